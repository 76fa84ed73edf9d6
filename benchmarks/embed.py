"""Images a second beside the plain ways of doing it: one JSON line.

    python -m benchmarks.embed --data FOLDER --folder KEPT [--model lite] [--images 256]
                                  [--precision int8] [--end-to-end]

In turn, over the same files of FOLDER/dev.csv:
  ours    open_encoder on OpenVINO
  torch   open_clip fp32 with its own transform in a DataLoader of two workers
  onnx    ONNX Runtime fp32 on the same tower, Pillow preprocessing in two threads
`encode` is the tower alone on pictures that are ready. With --end-to-end also whole runs: `build`
of the files (hashing, decoding, catalog and neighbour file included) beside the two plain loops,
which only compute vectors. The random ViT-B/32, the exported ONNX file and the caches stay in KEPT.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.command_line import parser_of
from benchmarks.weights import random_vit

BATCH = 32


def main() -> None:
    """Make the models ready, take turns, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--end-to-end", action="store_true")
    options = parser.parse_args()
    os.environ["XDG_CACHE_HOME"] = str(options.folder / "cache")
    with (options.data / "dev.csv").open(encoding="utf-8") as file:
        files = [str(options.data / row["path"]) for row in csv.DictReader(file)]
    files = files[:: max(1, len(files) // options.images)][: options.images]
    name = options.model or random_vit(options.folder)

    from mediclip_index.encoding import load_encoder
    from mediclip_index.reading import RECIPE
    from mediclip_index.session.session import load_encoder as opened
    from mediclip_index.types import ModelOptions

    ours = opened(name, ModelOptions(device="cpu", engine="openvino", precision=options.precision))
    torch_encoder = load_encoder(name, recipe=RECIPE, device="cpu")
    plain = Plain(torch_encoder, options.folder / f"{name.partition(':')[0]}.onnx")
    pictures, tensors = plain.ready(files[: 4 * BATCH])
    runs: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours.encode_pictures(pictures),
        "torch": lambda: plain.torch(tensors),
        "onnx": lambda: plain.onnx(tensors),
    }
    a, b = ours.encode_pictures(pictures), torch_encoder.encode_pictures(pictures)
    report: dict[str, Any] = {
        "model": ours.name.partition(":")[0],
        "precision": ours.precision,
        "least_cosine": float((a * b).sum(axis=1).min()),
        "encode": _turns(runs, len(pictures), options.turns),
    }
    if options.end_to_end:
        report["end_to_end"] = _turns(
            {
                "ours": lambda: build(name, files, options.precision),
                "torch": lambda: plain.torch_loop(files),
                "onnx": lambda: plain.onnx_loop(files),
            },
            len(files),
            options.turns,
        )
    print(json.dumps(report))


def _turns(runs: dict[str, Callable[[], Any]], count: int, turns: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(turns + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    rates = {name: count / median(each[1:]) for name, each in seconds.items()}  # the first warms up
    return {
        "images_per_second": rates,
        "times_faster": {name: rates["ours"] / rates[name] for name in runs if name != "ours"},
    }


def build(model: str, files: Sequence[str], precision: str) -> None:
    """A whole build of the files into a new index."""
    from mediclip_index import Index

    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "files.csv"
        listed.write_text("path\n" + "".join(f'"{file}"\n' for file in files), encoding="utf-8")
        index = Index.create(
            Path(folder) / "index", model=model, engine="openvino", precision=precision
        )
        index.build([str(listed)])


class Plain:
    """The plain loops, on the same weights."""

    def __init__(self, encoder: Any, onnx_file: Path) -> None:
        import onnxruntime
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2

        self._model = encoder.model.to(memory_format=torch.contiguous_format)
        how = PreprocessCfg(**self._model.visual.preprocess_cfg)
        self._prepare = image_transform_v2(how, is_train=False)
        self._how = encoder.preprocessing
        if not onnx_file.is_file():
            # OpenVINO's IR can't be read by ONNX Runtime; this needs the onnx and onnxscript
            # packages (pip install onnx onnxscript).
            example = torch.zeros(2, 3, *self._how.size)
            batch = torch.export.Dim("batch")
            torch.onnx.export(
                self._model.visual, (example,), str(onnx_file), dynamo=True, optimize=True,
                input_names=["x"], dynamic_shapes=({0: batch},), external_data=False,
            )  # fmt: skip
        self._session = onnxruntime.InferenceSession(
            str(onnx_file), providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def ready(self, files: Sequence[str]) -> tuple[list[Any], Any]:
        """The files as our framed pictures, and as the plain loops' tensor."""
        import torch
        from PIL import Image

        from mediclip_index.encoding import framed
        from mediclip_index.types import Picture

        found = [Image.open(file).convert("RGB") for file in files]
        pixels = [framed(np.asarray(image), self._how) for image in found]
        height, width = self._how.size
        return (
            [Picture(each, width, height, "JPEG") for each in pixels],
            torch.stack([self._prepare(image) for image in found]),
        )

    def torch(self, tensors: Any) -> None:
        import torch

        with torch.inference_mode():
            for start in range(0, len(tensors), BATCH):
                self._model.encode_image(tensors[start : start + BATCH], normalize=True)

    def onnx(self, tensors: Any) -> None:
        for start in range(0, len(tensors), BATCH):
            self._session.run(None, {self._input: tensors[start : start + BATCH].numpy()})

    def torch_loop(self, files: Sequence[str]) -> None:
        from torch.utils.data import DataLoader

        there: Any = Files(files, self._prepare)
        for batch in DataLoader(there, batch_size=BATCH, num_workers=2):
            self.torch(batch)

    def onnx_loop(self, files: Sequence[str]) -> None:
        with ThreadPoolExecutor(2) as pool:
            for start in range(0, len(files), BATCH):
                batch = np.stack(list(pool.map(self._pillow, files[start : start + BATCH])))
                self._session.run(None, {self._input: batch})

    def _pillow(self, file: str) -> Any:
        from PIL import Image

        from mediclip_index.encoding import model_input

        return model_input(np.asarray(Image.open(file).convert("RGB")), self._how)


class Files:
    """Files for a DataLoader."""

    def __init__(self, files: Sequence[str], prepare: Any) -> None:
        self._files, self._prepare = files, prepare

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> Any:
        from PIL import Image

        return self._prepare(Image.open(self._files[number]).convert("RGB"))


if __name__ == "__main__":
    main()
