"""DICOM files as this package shows them, held against dcmtk (and GDCM where dcmtk can't decode).

    python -m stress.dicom_display FOLDER [FOLDER ...] [--csv OUT]

Each file under the folders that is DICOM by its content is shown by both. Where the file states a
window or a VOI table that dcmtk can use, the pictures must be alike in shape and in brightness;
where it states none, each may choose its own, so only the shape is compared.
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mediclip_index import reading
from mediclip_index.reading import dicom

Grey = npt.NDArray[np.float64]

LEAST_LIKE = 0.97  # correlation
MOST_APART = 0.05  # of brightness
_FLAT = 1e-3  # of brightness: a picture of one value
_EDGE = 0.002
_LEAST_INSIDE = 0.05
_SECONDS = 60
_VIEWERS = ("dcmj2pnm", "dcml2pnm", "dcm2pnm")


@dataclass(frozen=True)
class Compared:
    """How one file came out. `outcome` is `alike`, `unlike`, `darker or brighter`, `refused` (we
    do, a viewer shows it), `only ours` or `neither`; or one of what dcmtk can't show: `hidden`, by
    a window that leaves one value, `narrow`, by one below 1, `groups`, whose window stands in the
    functional groups, and `big-endian 32`, whose words it takes for halves. `note` says why it was
    refused, or by what the other picture was made."""

    path: str
    outcome: str
    correlation: float = float("nan")
    brightness: float = float("nan")
    note: str = ""


def viewer() -> str | None:
    """A viewer of dcmtk, where there is one on the PATH."""
    return next((name for name in _VIEWERS if shutil.which(name)), None)


def seen(data: bytes, frame: int = 1, hint: str | None = None) -> tuple[Grey | None, str]:
    """(h, w) brightness 0..1 as dcmtk shows a frame, and what showed it; None where none can.

    `hint` is one of `window`, `table` and None for the whole range of the frame's values.
    """
    ways = {"window": ["+Wi", "1"], "table": ["+Wl", "1"], None: ["+Wm"]}
    with tempfile.TemporaryDirectory() as name:
        source, shown = Path(name) / "a.dcm", Path(name) / "a.pnm"
        source.write_bytes(data)
        for path, by in _sources(source):
            for tool in _VIEWERS:
                if shutil.which(tool) is None:
                    continue
                for way in (ways[hint], []):
                    command = [tool, "+F", str(frame), *way, str(path), str(shown)]
                    if _ran(command) and shown.exists() and shown.stat().st_size:
                        return _grey(shown.read_bytes()), by
    return None, ""


def _sources(source: Path) -> Iterator[tuple[Path, str]]:
    """The file itself, then as GDCM unpacks it."""
    yield source, "dcmtk"
    converter = shutil.which("gdcmconv") or str(Path(sys.executable).parent / "gdcmconv")
    raw = source.with_suffix(".raw")
    if Path(converter).exists() and _ran([converter, "--raw", str(source), str(raw)]):
        yield raw, "gdcm, dcmtk"


def _ran(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _grey(data: bytes) -> Grey | None:
    try:
        picture = Image.open(io.BytesIO(data))
        return np.asarray(np.asarray(picture.convert("RGB"), dtype=np.float64).mean(axis=2) / 255)
    except (OSError, ValueError):
        return None


def hint(data: bytes) -> str | None:
    """What a viewer would use of the file's own: its window, its VOI table, or neither."""
    scan = _header(data)
    try:
        tables = scan.get("VOILUTSequence") or []
        if len(tables) and tables[0].get("LUTData"):
            return "table"
        return "window" if _width(scan) >= 1 else None
    except Exception:
        return None


def _width(scan: Any) -> float:
    width = scan.get("WindowWidth")
    return float(width if isinstance(width, float | int) else (width or [0])[0])


def beyond(data: bytes) -> str | None:
    """The name of what dcmtk can't show as it is meant, if the file is of that kind."""
    scan = _header(data)
    try:
        groups = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
        if any("FrameVOILUTSequence" in item for g in groups for item in scan.get(g) or []):
            return "groups"
        if not scan.original_encoding[1] and scan.get("BitsAllocated") == 32:
            return "big-endian 32"
        if 0 < _width(scan) < 1:
            return "narrow"
    except Exception:
        return None
    return None


def _header(data: bytes) -> Any:
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(io.BytesIO(data), force=True, stop_before_pixels=True)
        except Exception:
            return pydicom.Dataset()


def compare(path: Path) -> Compared:
    """One file, by both."""
    data = path.read_bytes()
    stated = hint(data)
    try:
        ours = reading.read(data, path=path.name, size=0).pictures[0]
    except reading.Unreadable as why:
        other, by = seen(data)
        outcome = "neither" if other is None else "refused"
        return Compared(str(path), outcome, note=f"{why.reason}: {why.message} {by}")
    frame = int(ours.metadata.get("frame", 1))
    other, by = seen(data, frame, stated)
    if other is None:
        return Compared(str(path), "only ours")
    mine = ours.pixels.astype(np.float64).mean(axis=2) / 255
    if mine.shape != other.shape:
        return Compared(str(path), "unlike", note=f"{mine.shape} and {other.shape} {by}")
    found = judged(str(path), mine, other, stated is not None, by)
    if found.outcome == "alike":
        return found
    if stated and other.std() < _FLAT <= mine.std():
        return replace(found, outcome="hidden")
    return replace(found, outcome=beyond(data) or found.outcome)


def judged(path: str, mine: Grey, other: Grey, stated: bool, by: str) -> Compared:
    """Whether two pictures of one size are alike; in brightness too where a hint is `stated`."""
    like = alike(mine, other)
    if not stated:
        like = max(like, alike(*_ranked(mine, other)))
    apart = float(mine.mean() - other.mean())
    if like < LEAST_LIKE:
        return Compared(path, "unlike", like, apart, by)
    if stated and abs(apart) > MOST_APART:
        return Compared(path, "darker or brighter", like, apart, by)
    return Compared(path, "alike", like, apart, by)


def alike(one: Grey, other: Grey) -> float:
    """Correlation, 1 where both are of one value."""
    flat = one.std() < _FLAT, other.std() < _FLAT
    if any(flat):
        return float(all(flat))
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _ranked(one: Grey, other: Grey) -> tuple[Grey, Grey]:
    """The order of the pixels that `one` does not show as plain black or white: beyond its window
    it can't tell them apart, where the other may."""
    from scipy.stats import rankdata

    inside = (one > _EDGE) & (one < 1 - _EDGE)
    chosen = inside if inside.mean() > _LEAST_INSIDE else np.ones_like(inside)
    step = max(1, int(chosen.sum()) // 100_000)
    return rankdata(one[chosen][::step]), rankdata(other[chosen][::step])


def main() -> None:
    wanted = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    wanted.add_argument("folders", nargs="+", type=Path)
    wanted.add_argument("--csv", type=Path)
    asked = wanted.parse_args()
    if viewer() is None:
        raise SystemExit("No viewer of dcmtk is on the PATH; install dcmtk.")
    paths = sorted(p for folder in asked.folders for p in folder.rglob("*") if p.is_file())
    results = [compare(p) for p in paths if dicom.is_dicom(p.read_bytes())]
    for result in results:
        if result.outcome not in ("alike", "neither"):
            print(
                f"{result.outcome:20}{result.correlation:8.3f}{result.brightness:8.3f}  "
                f"{result.path}  {result.note}"
            )
    for outcome, number in Counter(result.outcome for result in results).most_common():
        print(f"{number:6} {outcome}")
    if asked.csv:
        with asked.csv.open("w", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["path", "outcome", "correlation", "brightness", "note"])
            for r in results:
                rows.writerow([r.path, r.outcome, r.correlation, r.brightness, r.note])


if __name__ == "__main__":
    main()
