"""What a pair of towers is worth: zero-shot, neighbours, blend, and the words that nobody tuned."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bench_rows import IMAGENET_SOURCE, Row
from corpus import imagenet_names
from judge_groups import rightly_named
from judge_words import FORERUNNER, MEDICAL, NON_MEDICAL
from space import unit

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
EmbedTexts = Callable[[list[str]], Floats]
Groups = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Words:
    """Text vectors that the judging needs, made once a text tower."""

    groups: Floats  # (groups, dim), unit
    group_names: tuple[str, ...]
    medical: npt.NDArray[np.bool_]  # (groups,)
    forerunner: Floats  # (28, dim), the medical half first
    imagenet: Floats  # (1000, dim)

    @staticmethod
    def of(embed: EmbedTexts, prompt_set: Path | None = None) -> Words:
        """With the groups of a prompt set (TOML), or with those of `judge_words`."""
        medical, other = (MEDICAL, NON_MEDICAL) if prompt_set is None else _groups(prompt_set)
        groups = {**medical, **other}
        return Words(
            groups=unit(np.stack([unit(embed(list(p)).mean(0)) for p in groups.values()])),
            group_names=tuple(groups),
            medical=np.array([name in medical for name in groups]),
            forerunner=embed([f"a photo of {p}" for half in FORERUNNER.values() for p in half]),
            imagenet=embed([f"a photo of a {names[0]}" for names in imagenet_names()]),
        )


@dataclass(frozen=True)
class Blend:
    """How words and neighbours are mixed."""

    alpha: float = 0.4
    k: int = 40
    beta: float = 10.0


def _groups(file: Path) -> tuple[Groups, Groups]:
    classes = tomllib.loads(file.read_text("utf-8"))["classes"]
    medical, other = classes["medical"]["groups"], classes["non_medical"]["groups"]
    return {k: tuple(v) for k, v in medical.items()}, {k: tuple(v) for k, v in other.items()}


def softmax(scores: Floats) -> Floats:
    """Along the last axis."""
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    found: Floats = shifted / shifted.sum(-1, keepdims=True)
    return found


def said_medical(pictures: Floats, words: Words, scale: float) -> Floats:
    """Zero-shot probability (n,) of being medical, by groups."""
    scores = (scale * pictures @ words.groups.T).astype(np.float32)
    said: Floats = softmax(scores)[:, words.medical].sum(1)
    return said


def voted_medical(
    pictures: Floats, support: Floats, medical: npt.NDArray[np.bool_], blend: Blend
) -> Floats:
    """The nearest neighbours' probability (n,) of being medical, classes weighed by their share."""
    cosines = pictures @ support.T
    near = np.argpartition(-cosines, blend.k, axis=1)[:, : blend.k]
    weights = np.exp(-blend.beta * (1 - np.take_along_axis(cosines, near, 1)))
    total = len(medical) + 20
    yes = (weights * medical[near]).sum(1) / ((medical.sum() + 10) / total)
    no = (weights * ~medical[near]).sum(1) / (((~medical).sum() + 10) / total)
    share: Floats = yes / (yes + no)
    return share


def forerunner_medical(pictures: Floats, words: Words) -> Floats:
    """The forerunner's own method: one softmax of 100 cos over 28 sentences, summed."""
    shares = softmax(100 * pictures @ words.forerunner.T)
    said: Floats = shares[:, : len(FORERUNNER["medical"])].sum(1)
    return said


def figures(
    rows: Sequence[Row],
    pictures: Floats,
    words: Words,
    scale: float,
    asked: Indices,
    support: Indices,
    blend: Blend,
) -> dict[str, float]:
    """All figures over the rows `asked`, with the rows `support` as labelled neighbours."""
    truth = np.array([row.label == "medical" for row in rows])
    x = pictures[asked]
    right = truth[asked]
    said = said_medical(x, words, scale)
    voted = voted_medical(x, pictures[support], truth[support], blend)
    mixed = (1 - blend.alpha) * said + blend.alpha * voted
    kinds = np.array([rows[n].category for n in asked])
    best = np.array(words.group_names)[(x @ words.groups.T).argmax(1)]
    rightly = np.array([rightly_named(k, b) for k, b in zip(kinds, best, strict=True)])
    found = {
        "words": float(((said > 0.5) == right).mean()),
        "neighbours": float(((voted > 0.5) == right).mean()),
        "blend": float(((mixed > 0.5) == right).mean()),
        "forerunner": float(((forerunner_medical(x, words) > 0.5) == right).mean()),
        "modality": float(rightly[right].mean()) if right.any() else float("nan"),
        "search": _precision_at_10(x, kinds, words),
        "ece": _ece(said, right),
    }
    named = _imagenet_top5(rows, x, asked, words)
    return found if named is None else {**found, "imagenet_top5": named}


def _precision_at_10(pictures: Floats, kinds: npt.NDArray[np.str_], words: Words) -> float:
    scores = []
    for vector, name in zip(words.groups, words.group_names, strict=True):
        if (kinds == name).sum() >= 10:
            first = np.argsort(-(pictures @ vector))[:10]
            scores.append((kinds[first] == name).mean())
    return float(np.mean(scores)) if scores else float("nan")


def _imagenet_top5(
    rows: Sequence[Row], pictures: Floats, asked: Indices, words: Words
) -> float | None:
    numbers = {
        name: n for n, names in reversed(list(enumerate(imagenet_names()))) for name in names
    }
    places = [p for p, n in enumerate(asked) if rows[n].source == IMAGENET_SOURCE]
    if not places:
        return None
    best = np.argsort(-(pictures[places] @ words.imagenet.T), axis=1)[:, :5]
    hits = [numbers[rows[asked[p]].fine] in top for p, top in zip(places, best, strict=True)]
    return float(np.mean(hits))


def _ece(said: Floats, right: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error of the likelier class."""
    sure = np.maximum(said, 1 - said)
    hit = (said > 0.5) == right
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return float(
        sum(
            (place == b).mean() * abs(sure[place == b].mean() - hit[place == b].mean())
            for b in range(bins)
            if (place == b).any()
        )
    )


def sources_left_out(
    rows: Sequence[Row],
    embed_without: Callable[[npt.NDArray[np.bool_]], tuple[Floats, Indices]],
    words: Words,
    scale: float,
    blend: Blend,
    folds: int = 8,
    seed: int = 3,
) -> tuple[dict[str, dict[str, float]], dict[str, npt.NDArray[np.bool_]]]:
    """Per source: accuracy of a model that never saw it, with the other sources as neighbours; and
    per way of answering, which rows it answered rightly.

    `embed_without(left_out)` takes a mask over rows and returns vectors of all rows and the indices
    of the support.
    """
    sources = sorted({row.source for row in rows})
    place = {
        sources[p]: n % folds
        for n, p in enumerate(np.random.default_rng(seed).permutation(len(sources)))
    }
    fold = np.array([place[row.source] for row in rows])
    truth = np.array([row.label == "medical" for row in rows])
    found: dict[str, dict[str, float]] = {}
    right: dict[str, npt.NDArray[np.bool_]] = {}
    for number in range(folds):
        pictures, support = embed_without(fold == number)
        asked = np.flatnonzero(fold == number)
        said = said_medical(pictures[asked], words, scale)
        voted = voted_medical(pictures[asked], pictures[support], truth[support], blend)
        answers = {
            "words": said,
            "neighbours": voted,
            "blend": (1 - blend.alpha) * said + blend.alpha * voted,
            "forerunner": forerunner_medical(pictures[asked], words),
        }
        for name, p in answers.items():
            right.setdefault(name, np.zeros(len(rows), bool))[asked] = (p > 0.5) == truth[asked]
        for source in sorted({rows[n].source for n in asked.tolist()}):
            own = np.array([rows[n].source == source for n in asked.tolist()])
            found[source] = {
                name: float(hits[asked][own].mean()) for name, hits in right.items()
            } | {"pictures": float(own.sum())}
    return found, right
