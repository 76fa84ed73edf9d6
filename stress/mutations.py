"""Change the code in small ways, and see whether a test notices.

    python -m stress.mutations mediclip_index/catalog --tests tests/catalog tests/jobs \\
        --count 200 --seed 7 --folder /tmp/mutations

Mutants are cosmic-ray's, a sample of all of them, drawn by the seed. They are written into the
files themselves, so run it in a clone. Each is tried by the tests that reach its line (one run
under coverage tells which), those of the first folder first and quick ones first, until one fails
or --most seconds of tests have passed: the share that is killed is a lower bound. A run that was
broken off goes on from its folder; with --again TESTS those that survived are tried by these tests
(written since, say). Prints one JSON line.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # a parent that forks must have no threads of its own
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # of a mutant nothing may stay behind
sys.dont_write_bytecode = True

# `int | None` in an annotation is never computed, so no test can tell it from `int + None`.
NEVER_RUN = ("BitOr", "NoOp")
SPARE = 45.0  # seconds that a mutant's tests may take beyond what they took unchanged


@dataclass(frozen=True, order=True)
class Mutant:
    """One small change of a file: its line, and which operator makes it at which place."""

    file: str
    line: int
    operator: str
    occurrence: int

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line} {self.operator} {self.occurrence}"


class Reach:
    """Which tests come to which line, and how long each takes."""

    def __init__(self, folder: Path, target: str, tests: Sequence[str]) -> None:
        self._data, timed = folder / "reached.coverage", folder / "tests.xml"
        if not timed.exists():
            done = subprocess.run(
                [
                    sys.executable, "-m", "pytest", *tests, "-q", f"--cov={target}",
                    "--cov-context=test", "--cov-report=", "--cov-fail-under=0",
                    f"--junitxml={timed}",
                ],
                env={**os.environ, "COVERAGE_FILE": str(self._data)}, check=False,
            )  # fmt: skip
            if done.returncode:
                timed.unlink(missing_ok=True)
                raise SystemExit("The tests fail without a mutant.")
        self._order = [test.replace("/", ".") for test in tests]
        self._seconds = {
            f"{case.get('classname')}::{case.get('name')}": float(case.get("time") or 0)
            for case in ElementTree.parse(timed).iter("testcase")
        }
        from coverage import CoverageData

        self._coverage = CoverageData(str(self._data))
        self._coverage.read()
        # By whatever name coverage was set up to give them.
        self._measured = {Path(f).resolve(): f for f in self._coverage.measured_files()}

    def tests(self, file: Path, line: int, most: float) -> tuple[list[str], float]:
        """(tests that reach the statement of a line, within `most` seconds; their seconds)."""
        first, last = _statement(file.read_text(), line)
        by_line = self._coverage.contexts_by_lineno(self._measured[file.resolve()])
        reached = {
            context.split("|")[0]
            for number in range(first, last + 1)
            for context in by_line.get(number, ())
            if context
        }
        if not reached:  # what runs at import alone is seen by any test
            reached = {self._id(name) for name in self._seconds}
        chosen: list[str] = []
        total = 0.0
        for test in sorted(reached, key=self._rank):
            if total > most:
                break
            chosen.append(test)
            total += self._rank(test)[1]
        return chosen, total

    def _rank(self, test: str) -> tuple[int, float, str]:
        file, _, name = test.partition("::")
        module = file.removesuffix(".py").replace("/", ".")
        room = next(i for i, o in enumerate(self._order) if module.startswith(o))
        return room, self._seconds.get(f"{module}::{name}", 1.0), test

    @staticmethod
    def _id(name: str) -> str:
        module, _, test = name.partition("::")
        return f"{module.replace('.', '/')}.py::{test}"


def _statement(source: str, line: int) -> tuple[int, int]:
    """First and last line of the smallest statement around a line, of a block its head alone."""
    found = (line, line)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno or line
            if line <= max(last, node.lineno):
                found = (node.lineno, max(last, node.lineno))
    return found


def sample(target: Path, count: int, seed: int) -> list[Mutant]:
    """So many of all mutants of the modules of a folder, the same for the same seed."""
    from cosmic_ray.commands.init import init
    from cosmic_ray.work_db import use_db

    modules = sorted(p for p in target.rglob("*.py") if p.stat().st_size)
    with use_db(":memory:") as items:
        init(modules, items, {})
        every = sorted(
            Mutant(str(m.module_path), m.start_pos[0], m.operator_name, m.occurrence)
            for item in items.work_items
            for m in item.mutations
            if not any(word in m.operator_name for word in NEVER_RUN)
        )
    print(f"{len(every)} mutants in all", file=sys.stderr)
    chance = random.Random(seed)
    drawn: dict[Mutant, bool] = {}  # whether it is Python at all
    while sum(drawn.values()) < count and len(drawn) < len(every):
        mutant = every[chance.randrange(len(every))]
        if mutant not in drawn:
            drawn[mutant] = mutated(mutant) is not None
    return [mutant for mutant, valid in drawn.items() if valid]


def mutated(mutant: Mutant) -> str | None:
    """The file's text with the mutant in it; None where that is no Python."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    operator = get_operator(mutant.operator)()
    text: str | None = mutate_code(Path(mutant.file).read_text(), operator, mutant.occurrence)
    try:
        compile(text or "=", mutant.file, "exec")
    except SyntaxError:
        return None
    return text


def attempt(tests: Sequence[str], seconds: float) -> str:
    """'survived' where all tests pass, 'killed' where one fails, 'hung' where they don't end."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        import pytest

        code = 70
        try:
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
        finally:
            os._exit(code)
    left, last = 2 * seconds + SPARE, time.monotonic()
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        time.sleep(0.02)
        now = time.monotonic()
        left -= min(now - last, 1.0)  # a run that was stopped for a while has not taken the time
        last = now
        if left < 0:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            return "hung"
    return "survived" if ended[1] == 0 else "killed"


def write(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """The outcome of each mutant, those of earlier runs first."""
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.jsonl"
    before = results.read_text().splitlines() if results.exists() else []
    known = {row["mutant"]: row for row in map(json.loads, before)}
    reach = Reach(folder, options.target, options.tests)
    until = time.monotonic() + (options.seconds or float("inf"))
    for mutant in sample(Path(options.target), options.count, options.seed):
        if time.monotonic() > until and mutant.name not in known:
            continue
        survived = known.get(mutant.name, {}).get("outcome") == "survived"
        if mutant.name not in known or (survived and options.again):
            file = Path(mutant.file)
            original = file.read_text()
            tests, seconds = (
                (options.again, options.most)
                if survived
                else reach.tests(file, mutant.line, options.most)
            )
            text = mutated(mutant)
            try:
                file.write_text(text or original)
                outcome = attempt(tests, seconds)
            finally:
                file.write_text(original)
            old, new = original.splitlines(), (text or original).splitlines()
            changed = [(a, b) for a, b in zip(old, new, strict=False) if a != b][:1]
            row = {
                "mutant": mutant.name, "outcome": outcome, "tests": len(tests), "change": changed,
            }  # fmt: skip
            with results.open("a") as out:
                out.write(json.dumps(row) + "\n")
            known[mutant.name] = row
        yield known[mutant.name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=float, default=30, help="Seconds of tests a mutant.")
    parser.add_argument("--seconds", type=float, help="Leave off after so long.")
    parser.add_argument("--again", nargs="+", help="Tests for those that survived so far.")
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    outcomes = Counter(str(row["outcome"]) for row in write(options))
    tried = sum(outcomes.values())
    killed = outcomes["killed"] + outcomes["hung"]
    print(json.dumps({**outcomes, "tried": tried, "share_killed": round(killed / tried, 3)}))


if __name__ == "__main__":
    import duckdb  # noqa: F401  imported once, before any fork
    import faiss  # noqa: F401
    import hypothesis  # noqa: F401
    import open_clip  # noqa: F401
    import sklearn.metrics  # noqa: F401

    main()
