"""Large JPEGs: decoding at the scale that a model needs, against decoding in full.

    python -m benchmarks.decode --data FOLDER [--count 200] [--work FOLDER] [--model lite]

Makes 12-megapixel JPEGs from pictures of FOLDER/dev.csv (enlarged, with a camera's noise), then
reads and encodes them both ways in turn, as a build does. Prints one JSON line: how many times
faster the reduced way is (with the model, and reading alone), the cosine between the two vectors of
a picture, and how often the words give both the same label. With --work the JPEGs are kept.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from benchmarks.command_line import parser_of
from mediclip_index import prompts, reading
from mediclip_index.reading.pool import Readers, ReadSpec, entry_of
from mediclip_index.session.session import load_encoder
from mediclip_index.types import Encoder, Entry, Ids, Picture, Vectors
from mediclip_index.verdict import prompt_embeddings, zero_shot

SIZE = (4000, 3000)
NOISE = 6.0  # grey levels of 255
BATCH = 32


class InFull(ReadSpec):
    """As if the reader did not know how little the model looks at."""

    def task(self, entry: Entry, data: bytes | None) -> reading.Task:
        return replace(super().task(entry, data), size=0)


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    encoder = load_encoder(options.model)
    with tempfile.TemporaryDirectory() as passing:
        files = _enlarged(options.data, options.count, options.work or Path(passing))
        entries = [entry_of(str(file)) for file in files]
        ways = {"reduced": ReadSpec(encoder), "full": InFull(encoder)}
        with_model = dict.fromkeys(ways, 0.0)
        alone = dict.fromkeys(ways, 0.0)
        vectors: dict[str, Vectors] = {}
        for _ in range(options.rounds):
            for name, read_spec in ways.items():
                started = time.perf_counter()
                vectors[name] = _encoded(encoder, entries, read_spec)
                with_model[name] += time.perf_counter() - started
        for _ in range(options.rounds):
            for name, read_spec in ways.items():
                started = time.perf_counter()
                with Readers() as readers:
                    for _loaded in readers.ahead(entries, read_spec):
                        pass
                alone[name] += time.perf_counter() - started
    cosines = (vectors["reduced"] * vectors["full"]).sum(axis=1)
    labels = {name: _labels(encoder, found) for name, found in vectors.items()}
    print(
        json.dumps(
            {
                "model": options.model,
                "engine": encoder.engine,
                "pictures": len(entries),
                "times_faster": round(with_model["full"] / with_model["reduced"], 2),
                "times_faster_reading": round(alone["full"] / alone["reduced"], 2),
                "cosine_mean": round(float(cosines.mean()), 5),
                "cosine_least": round(float(cosines.min()), 5),
                "same_label": round(float(np.mean(labels["reduced"] == labels["full"])), 5),
            }
        )
    )


def _enlarged(data: Path, count: int, work: Path) -> list[Path]:
    work.mkdir(parents=True, exist_ok=True)
    with (data / "dev.csv").open(newline="") as rows:
        names = [row["path"] for row in csv.DictReader(rows)]
    chosen = names[:: max(1, len(names) // count)][:count]
    noise = np.random.default_rng(0).normal(128, NOISE, (SIZE[1], SIZE[0]))
    grain = Image.merge("RGB", [Image.fromarray(noise.astype(np.uint8))] * 3)
    files = []
    for number, name in enumerate(chosen):
        file = work / f"{number:04}.jpg"
        files.append(file)
        if file.exists():
            continue
        picture = Image.open(data / name).convert("RGB")
        turned = (
            picture
            if picture.width >= picture.height
            else picture.transpose(Image.Transpose.ROTATE_90)
        )
        large = turned.resize(SIZE, Image.Resampling.BICUBIC)
        noisy = ImageChops.add(large, ImageChops.offset(grain, number * 97, 0), offset=-128)
        unfinished = file.with_suffix(".part")
        noisy.save(unfinished, "JPEG", quality=90)
        unfinished.rename(file)
    return files


def _encoded(encoder: Encoder, entries: Sequence[Entry], read_spec: ReadSpec) -> Vectors:
    found = []
    with Readers() as readers:
        batch: list[Picture] = []
        for loaded in readers.ahead(entries, read_spec):
            batch += loaded.pictures
            if len(batch) >= BATCH:
                found.append(encoder.encode_pictures(batch))
                batch = []
    found.append(encoder.encode_pictures(batch))
    return np.concatenate(found)


def _labels(encoder: Encoder, vectors: Vectors) -> Ids:
    words = prompts.load_bundled("medical")
    sentences = encoder.encode_texts(words.sentences)
    rows = prompt_embeddings(words, sentences, words.pooling)
    shares = zero_shot(vectors, rows, encoder.logit_scale).classes
    return np.asarray(np.argmax(shares, axis=1), dtype=np.int64)


if __name__ == "__main__":
    main()
