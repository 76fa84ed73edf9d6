"""What our reader takes from PDFs, held against what another renderer shows at the same place.

    python -m stress.pdf_figures FOLDER... [--pages 20] [--unlike FOLDER] [--json FILE]

Every PDF below the folders is read in a child of its own, the first pages of it; each figure is
compared with MuPDF's picture of its box on the page (the extra `[test]` brings it), and where that
differs with Poppler's (pdftoppm, where it is on the path): correlation of all pixels, and
difference of brightness. Pictures that MuPDF knows of and that lie in no figure of
ours are listed as missing. `--unlike` keeps pairs that differ, ours on the left. Ends with 1 where
less than 98 in 100 are alike.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index.reading.pdf.document import loaded, opened
from mediclip_index.reading.pdf.figures import Box, Figure
from mediclip_index.reading.pdf.marks import Marks, marks
from mediclip_index.reading.pdf.page import Met, Page
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.types import Bounds, Picture, Pixels, Refusal

ALIKE = 0.98  # correlation
ALIKE_SMALL = 0.97  # correlation, as suites.py asks it
AS_BRIGHT = 0.05  # of the whole range
FLAT = 3.0  # standard deviation, of 255: what is plain has no correlation
COVERED = 0.5  # of a picture that is in a figure of ours
SMALLEST = 32
MOST_PIXELS = 6_000_000
SIZE = 224
SECONDS = 120

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Outcome:
    """One figure of a file: `kind` is alike, unlike, missing, refused, or failed (its page)."""

    file: str
    page: int
    item: int
    kind: str
    correlation: float = 1.0
    brightness: float = 0.0
    note: str = ""
    small: float = 0.0  # correlation at 64 x 64, where hairlines and letters don't count


def correlation(one: Pixels, other: Pixels) -> float:
    """Of all values of two pictures of one shape, (h, w, 3); of plain ones, 1 where both are."""
    a, b = (_spread(values) for values in (one, other))
    if min(a.std(), b.std()) < FLAT:
        return 1.0 if abs(float(a.std()) - float(b.std())) < FLAT else 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def brightness(one: Pixels, other: Pixels) -> float:
    """How much brighter one of two pictures is on average, of 1."""
    return abs(float(one.mean()) - float(other.mean())) / 255


def alike(one: Pixels, other: Pixels) -> bool:
    return correlation(one, other) >= ALIKE and brightness(one, other) <= AS_BRIGHT


def _spread(values: Pixels) -> Values:
    """Blurred by a pixel: renderers round edges in their own ways."""
    picture = Image.fromarray(values)
    smaller = max(1, picture.width // 2), max(1, picture.height // 2)
    return np.asarray(picture.resize(smaller, Image.Resampling.BOX), dtype=np.float32)


def _at_64(values: Pixels) -> Pixels:
    square = Image.fromarray(values).resize((128, 128), Image.Resampling.BOX)
    return np.asarray(square, dtype=np.uint8)


def _pymupdf() -> Any:
    pymupdf = importlib.import_module("pymupdf")
    pymupdf.TOOLS.mupdf_display_errors(False)
    return pymupdf


def reference(page: Any, figure: Figure, width: int, height: int) -> Pixels:
    """MuPDF's picture of a part of a page (of fitz), (height, width, 3)."""
    pymupdf = _pymupdf()
    # At its own resolution, where that can be: what is compared is what is shown, not how it is
    # made smaller.
    scale = min(1.0, (MOST_PIXELS / (figure.square[0] * figure.square[1])) ** 0.5)
    scale = max(scale, width / figure.square[0])
    box = figure.box
    across, down = (side * scale for side in figure.square)
    across, down = across / box.width, down / box.height
    drawn = page.get_pixmap(
        matrix=pymupdf.Matrix(across, 0, 0, down, -box.left * across, -box.top * down),
        clip=pymupdf.Rect(box.left, box.top, box.right, box.bottom),
        alpha=False,
        colorspace=pymupdf.csRGB,
    )
    values = np.frombuffer(drawn.samples, dtype=np.uint8).reshape(drawn.height, drawn.stride)
    picture = Image.fromarray(values[:, : 3 * drawn.width].reshape(drawn.height, drawn.width, 3))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX), dtype=np.uint8)


def by_poppler(path: Path, number: int, figure: Figure, width: int, height: int) -> Pixels | None:
    """Poppler's picture of a part of a page; None where it shows none, or is not here."""
    box = figure.box
    dots = min(600.0, max(36.0, 72 * max(width / box.width, height / box.height)))
    command = [
        "pdftoppm", "-q", "-cropbox", "-f", str(number), "-l", str(number), "-r", f"{dots:.3f}",
        "-png", str(path),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        with Image.open(io.BytesIO(done.stdout)) as page:
            edges = (box.left, box.top, box.right, box.bottom)
            place = tuple(side * dots / 72 for side in edges)
            part = page.convert("RGB").resize((width, height), Image.Resampling.BOX, place)  # type: ignore[arg-type]
            return np.asarray(part, dtype=np.uint8)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None


def compared(path: Path, pages: int, unlike: Path | None = None) -> Iterator[Outcome]:
    """Every figure of a file's first pages."""
    pymupdf = _pymupdf()
    data = path.read_bytes()
    try:
        other = pymupdf.open(stream=data, filetype="pdf")
        count = 0 if other.needs_pass else len(other)
    except Exception:
        count, other = 0, None
    try:
        with opened(data, path.name) as document:
            for number in range(1, min(len(document), pages, count) + 1):
                try:
                    yield from _page(document, marks(data), other, path, number, unlike)
                except Exception as error:  # of PDFium or MuPDF, at a page that is broken
                    yield Outcome(path.name, number, 0, "failed", note=type(error).__name__)
    except Unreadable as why:
        kind = "refused whole" if count else "refused"
        yield Outcome(path.name, 0, 0, kind, note=why.reason)


def _page(
    document: Any, told: Marks, other: Any, path: Path, number: int, unlike: Path | None
) -> Iterator[Outcome]:
    with loaded(document, number) as here:
        page = Page(document, here, number, path.name, SIZE, Bounds())
        there = other[number - 1]
        try:
            found = list(page.figures(told, Met()))
            figures = page.placed(told, Met())[1]
        except Unreadable as why:
            yield Outcome(path.name, number, 0, "refused", note=why.reason)
            return
        for item in found:
            if isinstance(item, Refusal):
                yield Outcome(path.name, number, 0, "refused", note=item.message)
            else:
                yield _held(item, figures[(item.item or 1) - 1], there, path, unlike)
        for info in there.get_image_info(xrefs=True):
            box = _lies(info, there)
            if box is None or min(info["width"], info["height"]) < SMALLEST:
                continue
            shared = max((_part(box, one.box) for one in figures), default=0.0)
            if shared < COVERED:
                # MuPDF lists shadings too, as pictures that are no objects.
                kind = "missing" if info["xref"] else "missing, or a shading"
                size = f"{info['width']} x {info['height']}"
                yield Outcome(path.name, number, 0, kind, note=size)


def _lies(info: dict[str, Any], there: Any) -> Box | None:
    """Where a picture of MuPDF's list lies on the page as it is shown."""
    turned = _pymupdf().Rect(info["bbox"]) * there.rotation_matrix
    return Box(*turned).within(Box(*there.rect))


def _part(box: Box, figure: Box) -> float:
    common = box.within(figure)
    if common is None:
        return 0.0
    return common.width * common.height / (box.width * box.height)


def _held(picture: Picture, figure: Figure, there: Any, path: Path, unlike: Path | None) -> Outcome:
    ours = picture.pixels
    theirs = reference(there, figure, ours.shape[1], ours.shape[0])
    close, bright = correlation(ours, theirs), brightness(ours, theirs)
    same = close >= ALIKE and bright <= AS_BRIGHT
    if not same:
        others = by_poppler(path, picture.page or 1, figure, ours.shape[1], ours.shape[0])
        if others is not None and correlation(ours, others) > close:
            theirs = others
            close, bright = correlation(ours, theirs), brightness(ours, theirs)
            same = close >= ALIKE and bright <= AS_BRIGHT
    page, item = picture.page or 0, picture.item or 0
    if unlike is not None and not same:
        both = Image.fromarray(np.concatenate([ours, theirs], axis=1))
        both.thumbnail((1600, 800))
        both.save(unlike / f"{path.stem}-{page}-{item}.png")
    kind = "alike" if same else "unlike"
    small = correlation(*(_at_64(values) for values in (ours, theirs)))
    return Outcome(
        path.name, page, item, kind, round(close, 4), round(bright, 4), small=round(small, 4)
    )


def apart(path: Path, pages: int, unlike: Path | None) -> list[Outcome]:
    """The same in a child, which may crash or hang."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            with os.fdopen(theirs, "w") as told:
                for outcome in compared(path, pages, unlike):
                    told.write(json.dumps(asdict(outcome)) + "\n")
                    told.flush()
        except BaseException as error:
            sys.stderr.write(f"{path}: {type(error).__name__} {error}\n")
        os._exit(0)
    os.close(theirs)
    text = b""
    while select.select([ours], [], [], SECONDS)[0]:
        chunk = os.read(ours, 65_536)
        if not chunk:
            break
        text += chunk
    os.close(ours)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return [Outcome(**json.loads(line)) for line in text.splitlines() if line.endswith(b"}")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--unlike", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.unlike is not None:
        asked.unlike.mkdir(parents=True, exist_ok=True)
    paths = sorted(p for f in asked.folders for p in f.rglob("*") if p.suffix.lower() == ".pdf")
    outcomes: list[Outcome] = []
    for path in paths:
        for outcome in apart(path, asked.pages, asked.unlike):
            outcomes.append(outcome)
            if outcome.kind != "alike":
                print(*asdict(outcome).values(), sep="\t", flush=True)
    if asked.json is not None:
        asked.json.write_text("\n".join(json.dumps(asdict(outcome)) for outcome in outcomes))
    kinds = Counter(outcome.kind for outcome in outcomes)
    print(f"{len(paths)} files:", ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))
    held = [o for o in outcomes if o.kind in ("alike", "unlike")]
    small = sum(o.small >= ALIKE_SMALL and o.brightness <= AS_BRIGHT for o in held)
    print(f"at 64 x 64, as rasters are held against others: {small} of {len(held)} alike")
    return int(kinds["alike"] < ALIKE * (kinds["alike"] + kinds["unlike"] + kinds["missing"]))


if __name__ == "__main__":
    sys.exit(main())
