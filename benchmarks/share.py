"""What a build's time is spent on: the share that the image tower alone needs.

    python -m benchmarks.share --data FOLDER [--model lite] [--limit N] [--workers N]

Builds a new index of FOLDER/dev.csv (reading, hashing, decoding, vectors, database, neighbour
file), and lets the model encode the same pictures, ready framed, without anything else to do; in
turn. Both use all cores. Prints one JSON line; `share` is the tower's time by the build's.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import parser_of
from mediclip_index import Index
from mediclip_index.reading.pool import Readers, ReadSpec, entry_of
from mediclip_index.session.session import load_encoder
from mediclip_index.types import Encoder, Picture

BATCH = 32


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--limit", type=int, default=1_000, help="pictures; 0 is all")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int)
    options = parser.parse_args()
    with (options.data / "dev.csv").open(newline="") as rows:
        names = [row["path"] for row in csv.DictReader(rows)]
    # Spread over the list, which goes from source to source.
    step = max(1, len(names) // options.limit) if options.limit else 1
    paths = [str(options.data / name) for name in names[::step]]
    encoder = load_encoder(options.model)
    whole, tower = [], []
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "list.csv"
        table.write_text("\n".join(["path", *paths]))
        for number in range(options.rounds):
            whole.append(_build(Path(place) / str(number), options.model, table, options.workers))
            tower.append(_tower(encoder, paths))
    print(
        json.dumps(
            {
                "model": options.model,
                "engine": encoder.engine,
                "precision": encoder.precision,
                "pictures": len(paths),
                "build_seconds": whole,
                "tower_seconds": tower,
                "share": round(sum(tower) / sum(whole), 3),
            }
        )
    )


def _build(folder: Path, model: str, table: Path, workers: int | None) -> float:
    index = Index.create(folder, model=model)
    index.encode_texts(["the model is loaded before the clock starts"])
    started = time.perf_counter()
    index.build([str(table)], batch_size=BATCH, workers=workers)
    return round(time.perf_counter() - started, 2)


def _tower(encoder: Encoder, paths: Sequence[str]) -> float:
    taken = 0.0
    with Readers() as readers:
        batch: list[Picture] = []
        for loaded in readers.ahead([entry_of(path) for path in paths], ReadSpec(encoder)):
            batch += loaded.pictures
            if len(batch) >= 20 * BATCH:
                taken += _timed(encoder, batch)
                batch = []
    return round(taken + _timed(encoder, batch), 2)


def _timed(encoder: Encoder, pictures: Sequence[Picture]) -> float:
    # The readers have gone as far ahead as they may, and rest.
    time.sleep(1)
    started = time.perf_counter()
    for start in range(0, len(pictures), BATCH):
        encoder.encode_pictures(pictures[start : start + BATCH])
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
