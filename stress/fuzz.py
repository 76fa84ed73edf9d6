"""Broken files by the ten thousand against the readers: none may crash, hang, or eat the memory.

    nice python -m stress.fuzz --mutants 20000 --keep FOLDER

Each batch of mutants is read in a forked child that may use 1 GB more than it has and 5 s of
processor time a mutant; a child that dies names the mutant that it was at, and the run goes on
after it. What was done is kept in FOLDER/done.jsonl, so that a run that was stopped goes on;
mutants that crash, hang or raise anything but a refusal are kept beside it. Ends with 1 if there
were any.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mediclip_index import prompts, reading
from mediclip_index.types import MediclipError
from stress.mutants import mutant, seeds

BATCH = 50
SECONDS = 5  # of processor time, a mutant
WAIT = 60.0  # seconds, a mutant: one that sleeps
MEMORY = 1024**3  # bytes, beside what the process has
GOOD = ("read", "refused")
SIZE = 224


def outcome(kind: str, data: bytes, folder: Path) -> str:
    """What becomes of one file: read, refused, or the name of what was raised instead."""
    try:
        return "read" if _read(kind, data, folder) else "refused"
    except (reading.Unreadable, MediclipError):
        return "refused"
    except Exception as error:
        return f"raised {type(error).__name__}"


def _read(kind: str, data: bytes, folder: Path) -> int:
    """How many pictures (rows, words) were in it."""
    if kind in ("zip", "tar", "tgz", "csv", "toml"):
        path = folder / f"mutant-{os.getpid()}.{kind}"
        path.write_bytes(data)
        try:
            if kind == "csv":
                return sum(1 for _ in reading.label_rows(path))
            if kind == "toml":
                return len(prompts.load_file(path).classes)
            return sum(
                _pictures(reading.read_bytes(e.path)) for e in reading.scan(str(path)).entries
            )
        finally:
            path.unlink()
    found = _pictures(data)
    if kind == "pdf":
        found += _pictures(data, pages=True)
    return found


def _pictures(data: bytes, pages: bool = False) -> int:
    result = reading.read(
        data, path="mutant", size=SIZE, frames="all", pdf="pages" if pages else "images"
    )
    for picture in result.pictures:
        assert picture.pixels.ndim == 3 and picture.pixels.shape[2] == 3
        assert picture.width > 0 and picture.height > 0
    return len(result.pictures)


def batch(
    kind: str, originals: Sequence[bytes], numbers: Sequence[int], folder: Path
) -> dict[int, str]:
    """The outcomes of some mutants, read in a child; where it dies, up to that one."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        with contextlib.suppress(BaseException):
            _child(kind, originals, numbers, folder, theirs)
        os._exit(0)
    os.close(theirs)
    found: dict[int, str] = {}
    text = b""
    killed = False
    while True:
        ready, _, _ = select.select([ours], [], [], WAIT)
        if not ready:
            os.kill(child, signal.SIGKILL)
            killed = True
        chunk = os.read(ours, 65_536)
        if not chunk:
            break
        text += chunk
    os.close(ours)
    _, status = os.waitpid(child, 0)
    for line in text.splitlines():
        number, _, what = line.decode().partition(" ")
        found[int(number)] = what
    if len(found) < len(numbers):
        dead = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if killed or dead == signal.SIGPROF:
            found[numbers[len(found)]] = "hang"
        else:
            found[numbers[len(found)]] = (
                f"crash {signal.Signals(dead).name if dead else ''}".strip()
            )
    return found


def _child(
    kind: str, originals: Sequence[bytes], numbers: Sequence[int], folder: Path, to: int
) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/statm", "rb") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    # What C libraries say of bad files is not for this terminal.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for number in numbers:
        data = mutant(originals, number)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        what = outcome(kind, data, folder)
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.write(to, f"{number} {what}\n".encode())


def run(mutants: int, keep: Path | None, kinds: Sequence[str] = ()) -> dict[str, Counter[str]]:
    """Outcomes by format of so many mutants over all formats."""
    originals = {k: v for k, v in seeds().items() if not kinds or k in kinds}
    share = -(-mutants // len(originals))
    done: dict[str, dict[int, str]] = {kind: {} for kind in originals}
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError), (keep / "done.jsonl").open() as lines:
            for line in lines:
                kind, numbers = json.loads(line)
                done.setdefault(kind, {}).update({int(n): what for n, what in numbers.items()})
    with tempfile.TemporaryDirectory() as folder:
        for kind, sources in originals.items():
            while waiting := [n for n in range(share) if n not in done[kind]][:BATCH]:
                found = batch(kind, sources, waiting, Path(folder))
                done[kind] |= found
                if keep is None:
                    continue
                with (keep / "done.jsonl").open("a") as lines:
                    lines.write(json.dumps([kind, found]) + "\n")
                for number, what in found.items():
                    if what not in GOOD:
                        (keep / f"{kind}-{number}").write_bytes(mutant(sources, number))
    return {kind: Counter(done[kind][n] for n in range(share)) for kind in originals}


def main() -> None:
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked.add_argument("--mutants", type=int, default=20_000, help="over all formats")
    asked.add_argument("--keep", type=Path, required=True, metavar="FOLDER")
    asked.add_argument("--kind", action="append", default=[], help="only this format (repeatable)")
    options = asked.parse_args()
    started = time.monotonic()
    table = run(options.mutants, options.keep, options.kind)
    print("format         mutants     read  refused  other")
    for kind, counts in sorted(table.items()):
        bad = ", ".join(f"{n} {what}" for what, n in counts.items() if what not in GOOD) or "-"
        print(f"{kind:13} {counts.total():8,} {counts['read']:8,} {counts['refused']:8,}  {bad}")
    total = sum(counts.total() for counts in table.values())
    wrong = sum(n for counts in table.values() for what, n in counts.items() if what not in GOOD)
    print(
        f"{total:,} mutants in {time.monotonic() - started:.0f} s; {wrong} crashed, hung or raised"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
