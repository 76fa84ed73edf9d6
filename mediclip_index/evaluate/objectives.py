"""What `tune` makes best, and for which pile: objectives, prevalences, and images' weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mediclip_index import verdict
from mediclip_index.evaluate.leave_one_out import Floats
from mediclip_index.types import Ids, UsageError

OBJECTIVES = ("log-loss", "accuracy", "f1")
_RECALL = re.compile(r"recall-(?P<name>.+)@precision=(?P<precision>[0-9.]+)")


@dataclass(frozen=True)
class Objective:
    """log-loss, accuracy or f1; or the recall of one class (its place) at a least precision."""

    name: str
    recalled: int | None = None
    precision: float = 0.0


@dataclass(frozen=True)
class Held:
    """A precision that was asked for: the factor on the class that holds it, and the precision and
    recall that it has on the images it was chosen on."""

    factor: float
    precision: float
    recall: float


def objective(text: str, classes: Sequence[str]) -> Objective:
    """`log-loss`, `accuracy`, `f1` or `recall-CLASS@precision=SHARE`."""
    if text in OBJECTIVES:
        return Objective(text)
    found = _RECALL.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is no objective; choose {', '.join(OBJECTIVES)} or "
            "recall-CLASS@precision=SHARE, as in recall-medical@precision=0.99."
        )
    if found["name"] not in classes:
        raise UsageError(f"There is no class {found['name']}; there are {', '.join(classes)}.")
    try:
        precision = float(found["precision"])
    except ValueError:
        precision = 2.0
    if not 0 < precision <= 1:
        raise UsageError(f"A precision lies between 0 and 1, not at {found['precision']}.")
    return Objective(text, classes.index(found["name"]), precision)


def shares(prevalence: Mapping[str, float], classes: Sequence[str], truth: Ids) -> Floats:
    """How frequent classes are, (c,): those named as they are said to be, the others share the rest
    as they do among these images. None named: as frequent as they are here."""
    have = np.bincount(truth, minlength=len(classes)) / len(truth)
    if not prevalence:
        return np.asarray(have)
    strange = set(prevalence) - set(classes)
    if strange:
        raise UsageError(f"There is no class {min(strange)}; there are {', '.join(classes)}.")
    named = np.array([name in prevalence for name in classes])
    said = np.array([prevalence.get(name, 0.0) for name in classes])
    rest = 1.0 - said.sum()
    if (said[named] <= 0).any() or rest < -1e-9 or (named.all() and abs(rest) > 1e-9):
        raise UsageError(
            "Prevalences are shares above 0 that make 1 together, as in medical=0.02 (the other "
            "classes share the rest)."
        )
    if not named.all():
        if rest <= 1e-9 or have[~named].sum() == 0:
            raise UsageError("The prevalences leave nothing for the classes that are not named.")
        said[~named] = rest * have[~named] / have[~named].sum()
    return said


def weights(truth: Ids, wanted: Floats) -> Floats:
    """How much each image counts, (n,), mean 1: as if classes were as frequent as `wanted` (c,)."""
    have = np.bincount(truth, minlength=len(wanted)) / len(truth)
    return np.asarray((wanted / np.where(have > 0, have, 1.0))[truth])


def losses(goal: Objective, said: Floats, truth: Ids, weight: Floats) -> Floats:
    """What each image adds to that which is made small, (n,).

    The log loss is that of the calibrated probabilities: how sure a blend may be is not its own
    business, and would else drive alpha to that side which is merely the surer one. Accuracy
    leaves ties, and the log loss breaks them; for the macro F1 every class weighs the same. A
    recall at a precision wants classes told apart as well as can be, which is the log loss; the
    precision is held by a factor afterwards.
    """
    at_its_best = verdict.sharpen(said, verdict.fit_slope(said, truth))
    picked = at_its_best[np.arange(len(truth)), truth]
    surprise = -np.log(np.clip(picked, verdict.LEAST, 1.0)) * weight
    if goal.name not in ("accuracy", "f1"):
        return np.asarray(surprise)
    wrong = (said.argmax(axis=1) != truth) * weight
    if goal.name == "f1":
        sizes = np.bincount(truth, minlength=said.shape[1])
        wrong = (said.argmax(axis=1) != truth) * len(truth) / (sizes[truth] * (sizes > 0).sum())
    return np.asarray(wrong + 1e-3 * surprise)


def hold(goal: Objective, said: Floats, truth: Ids, weight: Floats) -> Held:
    """The factor that holds the precision; said (n, c) are probabilities as they will be given,
    the factor aside. Raises UsageError where no factor does."""
    assert goal.recalled is not None
    found = verdict.least_factor(
        _against_the_next(said, goal.recalled), truth == goal.recalled, weight, goal.precision
    )
    if found is None:
        raise UsageError(
            f"No threshold reaches a precision of {goal.precision:g} on the tune images; ask for "
            "less, or label more."
        )
    return Held(*found)


def measured(goal: Objective, said: Floats, truth: Ids, weight: Floats) -> tuple[float, float]:
    """(precision, recall) of the objective's class in probabilities (n, c) as they are given."""
    picked, wanted = said.argmax(axis=1) == goal.recalled, truth == goal.recalled
    both = float((weight * (picked & wanted)).sum())
    return (
        both / max(float((weight * picked).sum()), 1e-12),
        both / max(float((weight * wanted).sum()), 1e-12),
    )


def _against_the_next(said: Floats, place: int) -> Floats:
    """p / (p + the next best class's): above one half where the class wins."""
    others = np.delete(said, place, axis=1).max(axis=1)
    return np.asarray(said[:, place] / np.maximum(said[:, place] + others, verdict.LEAST))
