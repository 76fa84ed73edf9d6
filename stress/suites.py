"""Reads the files of other projects' test suites and holds what comes of them against others.

    python -m stress.suites FOLDER [--report FILE.csv]

FOLDER has one folder a suite. Every file is read as `build` reads it, in a process of its own, in
the bounds that ship; pictures of raster files are then decoded by ImageMagick as well and compared
at 64 x 64: correlation at least 0.97 (but where one is plain) and brightness within 0.05. Deep
pictures (more than 8 bits) are windowed here and not there: of them the correlation counts. Where
ImageMagick shows something else, GraphicsMagick is asked too: either has kinds that it gets wrong.
What is refused as damaged and read by ImageMagick without a word is listed. PDFs and DICOM files
are read here, and compared by pdf_figures.py and dicom_display.py beside this.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index.reading import Task, WorkerProcess
from mediclip_index.reading.signatures import signature
from mediclip_index.types import Bounds, Picture, ReadOptions

LEAST_CORRELATION = 0.97
MOST_BRIGHTNESS = 0.05
SIDE = 64
Grey = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """What became of one file: `outcome` is "pictures" or the reason of its refusal; `alike` is
    None where there was nothing to compare with."""

    path: str
    kind: str
    outcome: str
    pictures: int
    message: str
    alike: bool | None = None
    correlation: float | None = None
    brightness: float | None = None
    elsewhere: bool = False  # refused as damaged, though ImageMagick reads it
    peak_mb: int = 0  # the most memory that the process had so far


def small(picture: Image.Image) -> Grey:
    """(SIDE, SIDE), 0 to 1."""
    square = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(np.asarray(square, dtype=np.float64).mean(axis=-1) / 255.0)


def shown(path: Path, page: int, size: tuple[int, int]) -> Iterator[Grey]:
    """What ImageMagick, and then GraphicsMagick, show of a page, over white and upright."""
    frame = ["-coalesce"] if path.suffix.lower() == ".gif" else []
    several = path.suffix.lower() in (".ico", ".cur")  # of which the largest is meant
    for program, over_white in (
        (["convert"], ["-alpha", "remove"]),
        (["gm", "convert"], ["-flatten"]),
        (["gm", "convert"], ["+matte"]),
    ):
        for number in range(20) if several else [page]:
            command = [
                *program, f"{path}[{number}]", *(frame if program[0] == "convert" else []),
                "-auto-orient", "-background", "white", *over_white, "-colorspace", "sRGB",
                "-depth", "8", "png:-",
            ]  # fmt: skip
            try:
                done = subprocess.run(command, capture_output=True, timeout=60, check=False)
                with Image.open(io.BytesIO(done.stdout)) as picture:
                    if several and picture.size != size:
                        continue
                    yield small(picture)
            except (OSError, subprocess.TimeoutExpired, ValueError):
                pass
            break


def compared(ours: Grey, theirs: Grey, deep: bool) -> tuple[bool, float, float]:
    """Whether two pictures are alike, their correlation, and how their brightness differs."""
    brightness = abs(float(ours.mean() - theirs.mean()))
    plain = min(float(ours.std()), float(theirs.std())) < 0.01
    correlation = 1.0 if plain else float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])
    alike = correlation >= LEAST_CORRELATION and (deep or brightness <= MOST_BRIGHTNESS)
    return alike, correlation, brightness


def is_deep(picture: Picture) -> bool:
    """Whether it was windowed: Pillow's deep modes, or "colours;bits"."""
    mode = str(picture.metadata.get("mode", ""))
    bits = mode.rsplit(";", 1)[-1]
    return mode in ("I", "F") or mode.startswith("I;16") or (bits.isdigit() and int(bits) > 8)


def rows_of(path: Path, worker: WorkerProcess, root: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        known = signature(file.read())
    kind = known.name if known else "-"
    name = str(path.relative_to(root))
    task = Task(
        path=str(path), given=path.name, data=None, size=224, bounds=Bounds(),
        options=ReadOptions(),
        shape=None,
    )  # fmt: skip
    found = worker.read(task, path.stat().st_size, lambda _: True)
    peak = _peak(worker.worker)
    for refused in found.refused:
        picture_like = known is not None and known.family == "picture"
        elsewhere = refused.reason == "damaged" and picture_like and _read_elsewhere(path)
        yield Row(name, kind, refused.reason, 0, refused.message, elsewhere=elsewhere, peak_mb=peak)
    for picture in found.pictures:
        facts = f"{picture.width}x{picture.height} {picture.metadata.get('mode')}"
        row = Row(name, kind, "pictures", 1, f"{facts} page {picture.page or 1}", peak_mb=peak)
        if known is not None and known.family == "picture":
            ours = small(Image.fromarray(picture.pixels))
            size = (picture.width, picture.height)
            for theirs in shown(path, (picture.page or 1) - 1, size):
                alike, correlation, brightness = compared(ours, theirs, is_deep(picture))
                if alike or row.alike is None:
                    row = replace(row, alike=alike, correlation=round(correlation, 4),
                                  brightness=round(brightness, 4))  # fmt: skip
                if alike:
                    break
        yield row


def _peak(process: int | None) -> int:
    """The most memory that a process ever held, in MB; 0 where nobody tells."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _read_elsewhere(path: Path) -> bool:
    command = ["convert", f"{path}[0]", "-resize", "8x8!", "png:-"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and not done.stderr and bool(done.stdout)


def files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())


def measure(root: Path, workers: int = 2) -> list[Row]:
    """All files under a folder."""
    idle: SimpleQueue[WorkerProcess] = SimpleQueue()
    for _ in range(workers):
        idle.put(WorkerProcess())

    def one(path: Path) -> list[Row]:
        worker = idle.get()
        try:
            return list(rows_of(path, worker, root))
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(workers) as pool:
        rows = [row for rows in pool.map(one, files(root)) for row in rows]
    while not idle.empty():
        idle.get().close()
    return rows


def report(rows: list[Row]) -> None:
    outcomes = Counter((row.kind, row.outcome) for row in rows)
    print(f"{len({row.path for row in rows})} files, {sum(r.pictures for r in rows)} pictures")
    for (kind, outcome), count in sorted(outcomes.items(), key=lambda item: -item[1]):
        if outcome != "not_an_image":
            print(f"  {count:6} {kind:28} {outcome}")
    judged = [row for row in rows if row.alike is not None]
    alike = sum(bool(row.alike) for row in judged)
    print(f"alike: {alike} of {len(judged)} ({alike / max(1, len(judged)):.2%})")
    print(f"most memory of a process: {max((row.peak_mb for row in rows), default=0)} MB")
    for row in rows:
        if row.elsewhere:
            print(f"  read elsewhere: {row.path}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path, help="every row, as CSV")
    asked = parser.parse_args(arguments)
    rows = measure(asked.folder)
    report(rows)
    if asked.report:
        with asked.report.open("w", newline="", encoding="utf-8", errors="replace") as out:
            writer = csv.writer(out)
            writer.writerow(Row.__dataclass_fields__)
            writer.writerows([getattr(row, f) for f in Row.__dataclass_fields__] for row in rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
