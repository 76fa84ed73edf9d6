"""Which labelled images are tuned, calibrated and tested on, and whether these are really apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mediclip_index.catalog import labels
from mediclip_index.evaluate.leave_one_out import NEAR_DUPLICATE, Labelled
from mediclip_index.types import Ids, UsageError

MOST_TUNED = 4_000  # images; more change nothing but the time
LEAST_TUNED = 10
FOLDS = 3
_NAMED = 3  # shared subjects that are named


@dataclass(frozen=True)
class Splits:
    """Places of the images that are tuned and calibrated on. Where both are the support, `folds`
    (n,) tells which images are judged by settings that the others chose."""

    tune: Ids
    calibrate: Ids
    folds: Ids | None
    notes: tuple[str, ...]


def to_tune(data: Labelled) -> Splits:
    """`tune` and `calibrate`; else what there is of them, or `val`, halved by subject; else the
    whole support, cross-fitted, each image judged as if it were new. Never `test`."""
    tuned, calibrated = data.places("tune"), data.places("calibrate")
    folds = None
    notes: list[str] = []
    if len(tuned) == 0 or len(calibrated) == 0:
        pool = tuned if len(tuned) else calibrated if len(calibrated) else data.places("val")
        name = "tune" if len(tuned) else "calibrate" if len(calibrated) else "val"
        if len(pool):
            tuned, calibrated = _halves(data, pool)
            notes.append(f"Half of the {name} images tuned, the other half calibrated.")
        else:
            tuned = calibrated = _some(np.flatnonzero(data.votes))
            folds = _folds(_clusters_of(data, tuned))
            notes.append(
                "There are no splits to tune and calibrate on, so all support images do both "
                f"(cross-fitted in {FOLDS} parts: each is calibrated by settings that the other "
                "parts chose)."
            )
    tuned = _some(tuned)
    if min(len(tuned), len(calibrated)) < LEAST_TUNED:
        raise UsageError(
            f"There are {len(tuned)} labelled images to tune on and {len(calibrated)} to calibrate "
            f"on; give at least {LEAST_TUNED} each, by splits `tune` and `calibrate`, or `val`."
        )
    return Splits(tuned, calibrated, folds, tuple(notes))


def _some(pool: Ids) -> Ids:
    if len(pool) <= MOST_TUNED:
        return pool
    return np.sort(np.random.default_rng(0).permutation(pool)[:MOST_TUNED])


def _halves(data: Labelled, pool: Ids) -> tuple[Ids, Ids]:
    """By a hash of the subject (of the content where there is none): repeatable, never split."""
    keys = np.where(data.subject[pool] != "", data.subject[pool], data.sha256[pool])
    first = np.array([hashlib.sha256(key.encode()).digest()[0] % 2 == 0 for key in keys])
    return pool[first], pool[~first]


def _clusters_of(data: Labelled, pool: Ids) -> Ids:
    """Which images stay together (n,): those of a source, where there are enough of these that
    every fold gets some of either class; else of a subject."""
    for column in (data.source, data.subject):
        keys = np.where(column[pool] != "", column[pool], data.subject[pool])
        keys = np.where(keys != "", keys, data.sha256[pool])
        clusters = np.asarray(np.unique(keys, return_inverse=True)[1])
        folds = _folds(clusters)
        classes = np.unique(data.truth[pool])
        if all(len(np.unique(data.truth[pool][folds != f])) == len(classes) for f in range(FOLDS)):
            return clusters
    return clusters


def _folds(clusters: Ids) -> Ids:
    """A fold for each image (n,), clusters whole, the largest dealt first to the smallest fold."""
    sizes = np.bincount(clusters)
    filled = np.zeros(FOLDS, dtype=np.int64)
    fold = np.zeros(len(sizes), dtype=np.int64)
    for cluster in np.argsort(-sizes, kind="stable").tolist():
        fold[cluster] = int(filled.argmin())
        filled[fold[cluster]] += sizes[cluster]
    return fold[clusters]


def refuse_duplicates(
    data: Labelled, parts: Mapping[str, Ids], allowed: bool, notes: list[str]
) -> None:
    """Near-duplicates across the parts: a UsageError, or where they are `allowed` a note."""
    names = list(parts)
    leaks = []
    for n, one in enumerate(names):
        for other in names[n + 1 :]:
            pairs = _twins(data, parts[one], parts[other])
            if pairs:
                leaks.append(f"{pairs} in {one} have a near-duplicate in {other}")
    if leaks and not allowed:
        raise UsageError(
            f"The splits are not apart: {'; '.join(leaks)}; see `mediclip-index duplicates`, or "
            "tune all the same with --allow-duplicates."
        )
    if leaks:
        notes.append(f"The splits are not apart: {'; '.join(leaks)}.")


def _twins(data: Labelled, ones: Ids, others: Ids) -> int:
    count = 0
    for start in range(0, len(ones), 512):
        part = ones[start : start + 512]
        cosines = data.vectors[part] @ data.vectors[others].T
        cosines[part[:, None] == others] = -1
        count += int((cosines >= NEAR_DUPLICATE).any(axis=1).sum()) if len(others) else 0
    return count


def refuse_shared_subjects(
    data: Labelled, allowed: bool, notes: list[str], asked: str | None = None
) -> None:
    """Subjects on two sides (the support and each held-out split; one of them `asked`, where it is
    named): a UsageError, or where they are `allowed` a note."""
    sides = np.where(np.isin(data.split, labels.HELD_OUT), data.split, "support")
    asked = "support" if asked is not None and asked not in labels.HELD_OUT else asked
    by_subject: dict[str, set[str]] = {}
    for subject, side in zip(data.subject.tolist(), sides.tolist(), strict=True):
        if subject:
            by_subject.setdefault(subject, set()).add(side)
    shared = {
        subject: " and ".join(sorted(found))
        for subject, found in sorted(by_subject.items())
        if len(found) > 1 and (asked is None or asked in found)
    }
    if not shared:
        return
    some = ", ".join(f"{name} in {where}" for name, where in list(shared.items())[:_NAMED])
    more = ", …" if len(shared) > _NAMED else ""
    told = f"{len(shared)} subjects lie in more than one split"
    if not allowed:
        raise UsageError(
            f"{told} ({some}{more}): what is learned of a subject flatters the figures of its "
            "other images. Give each subject one split, or go on all the same with "
            "--allow-shared-subjects."
        )
    # Without names: notes are kept, and a name in them would outlive its subject's purge.
    notes.append(f"{told}: figures may flatter.")
