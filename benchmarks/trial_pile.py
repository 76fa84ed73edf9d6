"""A pile as a curator gets one, with its truth aside: for trying the command as a new user would.

    python -m benchmarks.trial_pile --data FOLDER --out pile/ --truth truth.csv [--count 300]

Pictures of more.csv (the data folder's) under names that say nothing, in folders by turns; some of
them in a ZIP, as figures of a PDF, as DICOM captures; five copies that were compressed again and
resized; a few files that are no pictures. The truth names for every path (and page) the class, the
kind, and of what file it is a copy.
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from benchmarks.command_line import parser_of

COPIES = 5
FOLDERS = ("ward", "export_2019", "misc", "from_stick/a", "from_stick/b")
Row = dict[str, str]


def main() -> None:
    """Parse the command line, draw, write."""
    parser = parser_of(__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice = np.random.default_rng(options.seed)
    with (options.data / "more.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    chosen = [rows[n] for n in dice.choice(len(rows), options.count, replace=False).tolist()]
    options.out.mkdir(parents=True)
    truth: list[Row] = []
    zipped, paged, plain = chosen[:20], chosen[20:32], chosen[32:]
    with zipfile.ZipFile(options.out / "old_scans.zip", "w") as archive:
        for n, row in enumerate(zipped):
            name = f"disc/{n:03}{Path(row['path']).suffix}"
            archive.writestr(name, (options.data / row["path"]).read_bytes())
            truth.append(_told(f"old_scans.zip!/{name}", row))
    _pdf(options.out / "paper.pdf", options.data, paged)
    truth += [_told("paper.pdf", row, page=str(n + 1)) for n, row in enumerate(paged)]
    places = []
    for n, row in enumerate(plain):
        place = Path(FOLDERS[n % len(FOLDERS)]) / f"IMG_{4000 + n}{Path(row['path']).suffix}"
        target = options.out / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((options.data / row["path"]).read_bytes())
        places.append((place, row))
        truth.append(_told(str(place), row))
    for n in dice.choice(len(places), COPIES, replace=False).tolist():
        place, row = places[n]
        copy = Path("misc") / f"copy of {4900 + n}.jpg"
        with Image.open(options.out / place) as picture:
            plainly = picture.convert("RGB")
        size = (max(1, plainly.width * 7 // 10), max(1, plainly.height * 7 // 10))
        plainly.resize(size).save(options.out / copy, quality=45)
        truth.append(_told(str(copy), row, copy_of=str(place)))
    (options.out / "misc" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (options.out / "misc" / "notes.txt").write_text("ask Anna\n")
    with options.truth.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ("path", "page", "label", "kind", "copy_of"))
        table.writeheader()
        table.writerows(truth)


def _told(path: str, row: Row, *, page: str = "", copy_of: str = "") -> Row:
    return {
        "path": path,
        "page": page,
        "label": row["label"],
        "kind": row["category"],
        "copy_of": copy_of,
    }


def _pdf(file: Path, data: Path, rows: list[Row]) -> None:
    """One figure a page."""
    canvas = Canvas(str(file))
    for row in rows:
        with Image.open(data / row["path"]) as picture:
            stream = io.BytesIO()
            picture.convert("RGB").save(stream, "PNG")
        scale = 400 / max(picture.width, picture.height)
        canvas.drawImage(
            ImageReader(stream), 80, 200, picture.width * scale, picture.height * scale
        )
        canvas.drawString(80, 170, "Fig. 1: see text.")
        canvas.showPage()
    canvas.save()


if __name__ == "__main__":
    main()
