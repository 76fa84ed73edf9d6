"""Kill the command at random points of its work, many times, and hold the index to its promises.

    python -m stress.kills --kills 300 --seed 1

Builds (of new indexes too), label imports, queries, tunings, repairs, removals, purges and exports
are killed by SIGKILL (the whole process group), SIGTERM or SIGINT: at a random line of the rooms
that keep things, at a random time, or just when a file of the index changes. After every kill all
that was committed must still be there, each vector must be its picture's own (computed again from
the file), and the same command run again must finish what it was asked. Prints one JSON line; ends
with 1 where anything was found. A run that was broken off, or that has had its --seconds, goes on
from its folder (--folder): give the same command again until it says "complete".
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # a parent that forks must have no threads of its own


from mediclip_index.jobs import build
from mediclip_index.reading import content_hash
from stress.forking import After, AtChange, AtLine, Death, Ended, Place, in_child, places, run
from stress.holding import Snapshot, Vectors, lost, snapshot, verdict_ids
from stress.jobs import Job, export, nothing, purge, remove, repair
from stress.piles import fill, write_labels, write_model

# Smaller commits than in use, so that the few hundred pictures of a pile take several.
build.COMMIT_IMAGES = 96
BATCH = 96 + 32 + 16  # a commit, what the model holds, and what is read ahead
MOST_IMAGES = 900  # then a fresh index is begun
SIGNALS = [signal.SIGKILL] * 8 + [signal.SIGTERM, signal.SIGINT]


@dataclass
class Score:
    """What happened so far; kept on disk after each kill."""

    kills: Counter[str] = field(default_factory=Counter)
    how: Counter[str] = field(default_factory=Counter)
    unharmed: int = 0  # commands that were done before their death came
    checks: int = 0
    losses: int = 0
    wrong_pairs: int = 0
    most_unfinished: int = 0  # pictures read and not kept when a build died
    pairs_compared: int = 0
    litter: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.kills.values())


class Soak:
    """An index, its pile, and everything that is known of them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.score = Score()
        self._state = folder / "score.json"
        if self._state.exists():
            for name, kept in json.loads(self._state.read_text()).items():
                setattr(self.score, name, Counter(kept) if isinstance(kept, dict) else kept)
        # Where a run goes on, it goes on with other numbers than it had before.
        self.chance = random.Random(f"{seed} {self.score.total}")
        self.model = f"local-dir:{(folder / 'model').resolve()}"
        if not (folder / "model" / "open_clip_config.json").exists():
            in_child(lambda: write_model(folder / "model"), folder)
        self.vectors = Vectors(self.model)
        self.lines: dict[str, Counter[Place]] = {}
        self.seconds: dict[str, float] = {}
        self._rehearsed = folder / "rehearsed.pickle"
        if self._rehearsed.exists():
            self.lines, self.seconds = pickle.loads(self._rehearsed.read_bytes())
        self._fresh()

    # --- the world ------------------------------------------------------------------------------

    def _fresh(self) -> None:
        """A new index of a new pile, with labels and settings."""
        for old in ("pile", "index", "asked", "new"):
            shutil.rmtree(self.folder / old, ignore_errors=True)
        self.index = self.folder / "index"
        self.pile = self.folder / "pile"
        self.asked = self.folder / "asked"
        fill(self.pile, 330, self.chance)
        fill(self.asked, 90, self.chance, prefix="q")
        self._learn()
        self._well(("build", "--model", self.model, str(self.pile)))
        write_labels(self.folder / "labels.csv", sorted(self.pile.iterdir()), self.chance)
        self._well(("label", "import", str(self.folder / "labels.csv")))
        self.before = self.read()

    def _well(self, words: tuple[str, ...]) -> Ended:
        ended = run(("--index", str(self.index), *words), self.folder)
        if ended.code != 0:
            raise SystemExit(f"{' '.join(words)} failed ({ended.code}): {ended.err}")
        return ended

    def _learn(self) -> None:
        files = [*self.pile.iterdir(), *self.asked.iterdir(), *(self.folder / "new").glob("*.png")]
        self.vectors.known |= in_child(lambda: self.vectors.learn(files), self.folder)

    def read(self, index: Path | None = None) -> Snapshot:
        seen = in_child(lambda: snapshot(index or self.index, self.vectors.known), self.folder)
        self.score.checks += 1
        self.score.pairs_compared += len(seen.images)
        return seen

    # --- the jobs -------------------------------------------------------------------------------

    def job(self) -> Job:
        kinds = [self.build] * 4 + [self.found] * 2 + [self.label] * 3 + [self.query] * 3
        kinds += [self.indexed, self.tune, self.tune, self.remove, self.remove, self.purge]
        kinds += [self.repair] * 3 + [self.export] * 2
        kind = self.chance.choice(kinds)
        if len(self.before.images) > MOST_IMAGES:
            self._fresh()
        return kind()

    def build(self) -> Job:
        fill(self.pile, self.chance.choice([5, 40, 300]), self.chance)
        for path in self.chance.sample(sorted(self.pile.iterdir()), 3):
            path.unlink()
        self._learn()
        there = {content_hash(p.read_bytes()) for p in self.pile.iterdir()}

        def done(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
            wanted = len(there - {after.images[i][0] for i in after.removed})
            said = json.loads(ended.out)["images"]
            return [] if said == wanted else [f"build says {said} images, there are {wanted}"]

        def half(before: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
            unfinished = ended.read - (len(after.images) - len(before.images))
            self.score.most_unfinished = max(self.score.most_unfinished, unfinished)
            return [f"{unfinished} pictures were read in vain"] if unfinished > BATCH else []

        words = ("build", "--json", str(self.pile))
        return Job("build", words, done, half, self.index)

    def found(self) -> Job:
        """A build that makes its index first."""
        new = self.folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        fill(new, 20, self.chance)
        self._learn()

        def done(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
            return [] if len(after.images) == 20 else [f"{len(after.images)} of 20 images"]

        words = ("build", "--json", "--model", self.model, str(new))
        return Job("build (new)", words, done, nothing, new / "index")

    def label(self) -> Job:
        file = self.folder / "labels.csv"
        present = sorted(p for p in self.pile.iterdir() if str(p) in self.before.current)
        chosen = self.chance.sample(present, self.chance.randint(1, len(present)))
        said = write_labels(file, chosen, self.chance)

        def wrong(after: Snapshot) -> int:
            return sum(after.current.get(path) != label for path, label in said.items())

        def done(_: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
            return [f"{wrong(after)} labels were not kept"] if wrong(after) else []

        def half(before: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
            if wrong(after) in (0, wrong(before)):
                return []
            return [f"half an import: {wrong(after)} of {wrong(before)} labels are missing"]

        return Job("label import", ("label", "import", "--json", str(file)), done, half, self.index)

    def query(self) -> Job:
        return self._asking("query", ("query", "--json", str(self.asked)), 90)

    def indexed(self) -> Job:
        words = ("query", "--json", "--indexed", "--where", "id % 5 = 0")
        return self._asking("query --indexed", words, None)

    def _asking(self, name: str, words: tuple[str, ...], count: int | None) -> Job:
        def done(before: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
            given = verdict_ids(ended.out)
            if count is not None and len(given) != count:
                return [f"{len(given)} verdicts on {count} pictures"]
            missing = given - after.verdicts
            return [f"{len(missing)} verdicts were told and not kept"] if missing else []

        return Job(name, words, done, nothing, self.index)

    def tune(self) -> Job:
        def done(before: Snapshot, after: Snapshot, ended: Ended) -> list[str]:
            return [] if len(after.settings) > len(before.settings) else ["no settings were kept"]

        return Job("tune", ("tune", "--json", "--allow-duplicates"), done, nothing, self.index)

    def remove(self) -> Job:
        return remove(self.index, self.before, self.chance)

    def purge(self) -> Job:
        return purge(self.index, self.before, self.chance)

    def export(self) -> Job:
        return export(self.index, self.before, self.folder)

    def repair(self) -> Job:
        whole = "repair" not in self.seconds  # the first of all shows every way that it can go
        job = repair(self.index, self.before, self.chance, self.folder, whole)
        self.before = self.read()
        return job

    # --- one death ------------------------------------------------------------------------------

    def once(self) -> None:
        job = self.job()
        if job.name not in self.seconds:
            self._rehearse(job)
            return
        while True:
            death = self._death(job.name)
            ended = self._try(job, death)
            if not ended.killed:
                return
            # Most commands are run again at once; some are killed again first.
            if self.chance.random() < 0.6:
                self._try(job, None)
                return

    def _rehearse(self, job: Job) -> None:
        """Where such a job goes and how long it takes, from one that nobody kills."""
        began = time.monotonic()
        self.lines[job.name] = places(("--index", str(job.index), *job.words), self.folder)
        self.seconds[job.name] = time.monotonic() - began
        self._rehearsed.write_bytes(pickle.dumps((self.lines, self.seconds)))
        if job.index == self.index:
            self.before = self.read()

    def _try(self, job: Job, death: Death | None) -> Ended:
        before = self.before if job.index == self.index else None
        ended = run(
            ("--index", str(job.index), *(job.words_after(before) if before else job.words)),
            self.folder,
            death=death,
            watch=job.index if isinstance(death, AtChange) else None,
            pile=self.pile,
        )
        self._judge(job, before, ended, death)
        return ended

    def _judge(self, job: Job, before: Snapshot | None, ended: Ended, death: Death | None) -> None:
        score = self.score
        found: list[str] = []
        if "Traceback" in ended.err or "Unexpected" in ended.err:
            found.append(f"not one sentence: {ended.err.strip()[-300:]}")
        if not ended.killed and ended.code not in (0, 3):
            found.append(f"ended with {ended.code}: {ended.err.strip()[-300:]}")
        if ended.killed and death is not None:
            score.kills[job.name] += 1
            score.how[f"{type(death).__name__} {signal.Signals(death.signal).name}"] += 1
        elif ended.killed:
            found.append(f"ended with {ended.code} though nobody killed it")
        elif death is not None:
            score.unharmed += 1
        if (job.index / "catalog.duckdb").exists():
            after = self.read(job.index)
            wrong = [f for f in after.findings if f.startswith("WRONG")]
            score.wrong_pairs += len(wrong)
            # A repair that was killed may leave of the damage what it has not come to yet.
            left = before.findings if before is not None and ended.killed else ()
            absent = "derived" if job.renewing and ended.killed else "-"
            found += [f for f in after.findings if f not in left and not f.startswith(absent)]
            if before is not None:
                gone = lost(before, after, job.purging)
                score.losses += len(gone)
                found += gone
                if not ended.killed and ended.code in (0, 3):
                    found += job.done(before, after, ended)
                elif ended.killed:
                    found += job.half(before, after, ended)
                self.before = after
            elif not ended.killed and ended.code in (0, 3):
                found += job.done(after, after, ended)
            if not ended.killed and job.name.startswith("build"):
                score.litter.update(name.split("-")[0] for name in after.litter)
        elif not ended.killed:
            found.append("no index was made")
        score.findings += [f"{score.total} {job.name} {death}: {what}" for what in found]
        for what in found:
            print(f"{job.name} {death}: {what}", file=sys.stderr)
        self._state.write_text(json.dumps(vars(score)))

    def _death(self, name: str) -> Death:
        chance = self.chance
        number = chance.choice(SIGNALS)
        kind = chance.random()
        if kind < 0.5:
            place = chance.choice(sorted(self.lines[name]))
            return AtLine(place, chance.randint(1, self.lines[name][place]), number)
        if kind < 0.8:
            return AtChange(chance.randint(1, 6), chance.choice([0, 0.001, 0.004]), number)
        return After(self.seconds[name] * 10 ** chance.uniform(-2, 0), number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="Leave off after so long.")
    parser.add_argument("--folder", type=Path, help="Keep the work here, and go on from it.")
    options = parser.parse_args()
    place = options.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    place.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    soak = Soak(place.resolve(), options.seed)
    while soak.score.total < options.kills:
        if options.seconds is not None and time.monotonic() - began > options.seconds:
            break
        soak.once()
        print(f"\r{soak.score.total} kills ", end="", file=sys.stderr)
    score = soak.score
    print(
        json.dumps(
            {
                "complete": score.total >= options.kills,
                "total": score.total,
                **vars(score),
                "findings": len(score.findings),
                "first_findings": score.findings[:5],
                "seed": options.seed,
                "seconds": round(time.monotonic() - began),
            }
        )
    )
    if options.folder is None:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(bool(score.findings))


if __name__ == "__main__":
    import duckdb  # noqa: F401  imported once, before any fork
    import faiss  # noqa: F401
    import open_clip  # noqa: F401
    import sklearn.metrics  # noqa: F401

    import mediclip_index.index  # noqa: F401

    main()
