"""The image tower's projection: one linear map of the tower's 1,280 features, in three moves.

1. From the ImageNet classifier alone, in closed form: the map under which a picture's likeness to
   the 1,000 class names follows the classifier's own scores. This keeps general knowledge and needs
   no picture.
2. Ridge regression of captions on top of it, held to the first map where pictures say nothing: it
   answers for kinds of pictures that ImageNet lacks and still gives unseen sources the benefit of
   what the tower knows.
3. A short run of gradient descent on what is asked in the end: the right kind among kinds, medical
   sentences against others (ever new random handfuls of them, so that no fixed set is learned), and
   the classifier's own distribution.

Beside this text-aligned part stands a raw part: the strongest directions of the features, which
texts leave at zero. Neighbours on unseen sources are better for it; likeness to words only changes
scale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from training.bench_rows import IMAGENET_SOURCE, Row
from training.captions import ALL_BRANCHES, ALL_KINDS, Captions, captions_of
from training.corpus import imagenet_names
from training.families import BRANCH_WORDS, MEDICAL_WORDS, OTHER_WORDS
from training.more_words import OTHER_MEDICAL, OTHER_THINGS, TEMPLATES
from training.space import unit

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
EmbedTexts = Callable[[list[str]], Floats]
NAME_TEMPLATES = ("{}", "a photo of {}", "a photo of a {}", "a close-up of {}")


@dataclass(frozen=True)
class Recipe:
    """What was chosen on the tune split and on left-out sources."""

    fine: float = 0.5  # shares of a caption target
    kind: float = 1.0
    family: float = 0.5
    names: float = 2.0  # length of the classifier's map on ImageNet pictures
    mixture: float = 1.0  # share of the classifier's names, weighted, in non-medical targets
    mixture_medical: float = 0.2
    imagenet_weight: float = 3.0
    ridge: float = 1.0
    source_power: float = 0.5  # a picture weighs (size of its source) ** -power
    steps: int = 400
    descents: int = 4  # from one start, with dice of their own; their mean is taken
    rate: float = 3e-4
    batch: int = 384
    kind_loss: float = 1.0
    # Times the logarithm of how often a kind is shown: what is frequent wins nothing by it (logit
    # adjustment, Menon et al. 2021).
    adjust: float = 0.25
    pool_loss: float = 2.0
    name_loss: float = 0.2
    scale: float = 30.0
    # New sources are taken for medical too seldom: by how much of its length an embedding is moved
    # towards the medical sentences, chosen on families left out.
    favour: float = 0.05
    raw: float = 1.0  # mean length of the raw part against the text part's


@dataclass(frozen=True)
class Lesson:
    """Everything that the learned pictures and the text tower say, ready for fitting."""

    features: Floats  # (copies, n, 1280), the untouched copy first
    medical: Mask
    natural: Mask  # pictures of ImageNet's own kind
    rows: tuple[Row, ...]
    kinds: npt.NDArray[np.int64]
    captions: Floats  # (n, dim)
    kind_vectors: list[Floats]  # a (wordings, dim) array a kind
    medical_vectors: Floats  # general sentences, and kinds that no picture here shows
    other_vectors: Floats
    names: Floats  # (1000, dim)
    classifier: tuple[Floats, Floats]
    kind_prior: Floats  # (kinds,) logarithms of how often each kind is shown
    named: Floats  # (n, 1000): what the untouched tower's classifier says of each picture


def prepare(
    rows: Sequence[Row],
    features: Floats,
    embed: EmbedTexts,
    classifier: tuple[Floats, Floats],
    named: Floats,
    recipe: Recipe,
) -> Lesson:
    """What is to be learned of the rows, whose features are (copies, rows, 1280); named (rows,
    1000) is what the untouched tower's classifier says of them."""
    kinds = list(ALL_KINDS)

    captioned = list(dict.fromkeys(captions_of(row) for row in rows))
    general = [*MEDICAL_WORDS, *(p for b in BRANCH_WORDS.values() for p in b), *OTHER_MEDICAL]
    other = [*(p for b in OTHER_WORDS.values() for p in b), *OTHER_THINGS]
    phrases = [p for c in captioned for p in (*c.fine, *c.kind, *c.family)]
    phrases = list(
        dict.fromkeys([*phrases, *general, *other, *(p for k in ALL_KINDS.values() for p in k)])
    )
    vectors = embed([t.format(p) for p in phrases for t in TEMPLATES])
    said = dict(zip(phrases, vectors.reshape(len(phrases), len(TEMPLATES), -1), strict=True))

    def worded(chosen: Sequence[str]) -> Floats:
        return np.concatenate([said[phrase] for phrase in chosen])

    known: dict[Captions, Floats] = {}
    for captions in captioned:
        levels = (captions.fine or captions.kind, captions.kind, captions.family)
        shares = (recipe.fine, recipe.kind, recipe.family)
        known[captions] = np.sum(
            [s * unit(worded(v).mean(0)) for s, v in zip(shares, levels, strict=True)], axis=0
        )
    return Lesson(
        features=features,
        medical=np.array([row.label == "medical" for row in rows]),
        natural=np.array([row.source == IMAGENET_SOURCE for row in rows]),
        rows=tuple(rows),
        kinds=np.array([kinds.index(row.category) for row in rows]),
        captions=np.stack([known[captions_of(row)] for row in rows]).astype(np.float32),
        kind_vectors=[worded(phrases) for phrases in ALL_KINDS.values()],
        medical_vectors=worded(general),
        other_vectors=worded(other),
        names=name_vectors(embed),
        classifier=classifier,
        kind_prior=_kind_prior(rows, kinds, recipe),
        named=named,
    )


def name_vectors(embed: EmbedTexts) -> Floats:
    """One unit vector for each ImageNet class: the mean over its names and a few templates."""
    texts = [[t.format(n) for n in names for t in NAME_TEMPLATES] for names in imagenet_names()]
    vectors = embed([text for group in texts for text in group])
    ends = np.cumsum([len(group) for group in texts])[:-1]
    return unit(np.stack([part.mean(0) for part in np.split(vectors, ends)]))


def with_one(features: Floats) -> Floats:
    """A column of ones for the bias."""
    return np.concatenate([features, np.ones((len(features), 1), np.float32)], axis=1)


def from_classifier(lesson: Lesson, ridge: float = 1e-2) -> Floats:
    """Move 1, (1281, dim): least squares, names times projection to the centred classifier."""
    names = lesson.names - lesson.names.mean(0)
    weights = lesson.classifier[0] - lesson.classifier[0].mean(0)
    gram = names.T @ names
    gram += ridge * np.trace(gram) / len(gram) * np.eye(len(gram), dtype=np.float32)
    turn = np.linalg.solve(gram, names.T @ weights).T.astype(np.float32)
    seen = lesson.features[0][~lesson.medical]
    turn = np.concatenate([turn, -(seen.mean(0) @ turn)[None]])
    length: float = np.linalg.norm(with_one(seen) @ turn, axis=1).mean()
    return turn / length


def fit_captions(lesson: Lesson, keep: Mask, recipe: Recipe) -> Floats:
    """Move 2, (1281, dim), from the pictures in `keep` alone."""
    start = recipe.names * from_classifier(lesson)
    weight = source_weights(_kept(lesson, keep), recipe.source_power)
    weight[lesson.natural[keep]] *= recipe.imagenet_weight
    weight /= weight.mean()
    medical = lesson.medical[keep][:, None]
    mixture = np.where(medical, recipe.mixture_medical, recipe.mixture)
    size = lesson.features.shape[-1] + 1
    gram = np.zeros((size, size), np.float32)
    moment = np.zeros((size, lesson.names.shape[1]), np.float32)
    for copy in lesson.features:
        x = with_one(copy[keep])
        wanted = lesson.captions[keep] + mixture * (lesson.named[keep] @ lesson.names)
        wanted = wanted - medical * (x @ start)  # the classifier has nothing to say of a scan
        gram += (x * weight[:, None]).T @ x
        moment += (x * weight[:, None]).T @ wanted
    gram += recipe.ridge * np.trace(gram) / size * np.eye(size, dtype=np.float32)
    solved: Floats = np.linalg.solve(gram, moment).astype(np.float32)
    return solved + start


def refine(lesson: Lesson, keep: Mask, start: Floats, recipe: Recipe, seed: int = 0) -> Floats:
    """Move 3, (1281, dim): a short descent from `start` on the pictures in `keep`."""
    dice = np.random.default_rng(seed)
    places = np.flatnonzero(keep)
    chance = source_weights(_kept(lesson, keep), recipe.source_power, even=True)
    turn = torch.from_numpy(start.copy()).requires_grad_()
    sharpness = torch.tensor(np.log(20.0), dtype=torch.float32, requires_grad=True)
    groups: list[dict[str, Any]] = [{"params": [turn]}, {"params": [sharpness], "lr": 1e-2}]
    optimizer = torch.optim.Adam(groups)
    for step in range(recipe.steps):
        ease = 0.5 * (1 + np.cos(np.pi * step / recipe.steps)) * min(1.0, (step + 1) / 30)
        optimizer.param_groups[0]["lr"] = recipe.rate * ease
        rows = dice.choice(places, recipe.batch, p=chance)
        copies = dice.integers(0, len(lesson.features), recipe.batch)
        x = lesson.features[copies, rows]
        seen = functional.normalize(torch.from_numpy(with_one(x)) @ turn, dim=1)
        loss = lesson_loss(lesson, rows, seen, sharpness, recipe, dice)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return turn.detach().numpy()


def lesson_loss(
    lesson: Lesson,
    rows: npt.NDArray[np.int64],
    seen: torch.Tensor,
    sharpness: torch.Tensor,
    recipe: Recipe,
    dice: np.random.Generator,
) -> torch.Tensor:
    """What descent makes small, of embeddings `seen` (n, dim) of the pictures `rows`."""
    loss = recipe.kind_loss * _kind_loss(lesson, rows, seen, recipe, dice)
    loss = loss + recipe.pool_loss * _pool_loss(lesson, rows, seen, recipe.scale, dice)
    other = np.flatnonzero(~lesson.medical[rows])
    classes = torch.from_numpy(lesson.named[rows[other]])
    names = torch.from_numpy(lesson.names)
    spread = functional.log_softmax(sharpness.exp() * seen[other] @ names.T, dim=1)
    certain = np.where(lesson.natural[rows[other]], 1.0, 0.3)
    trust = torch.from_numpy(certain.astype(np.float32))
    missed = -(classes * spread).sum(1)
    return loss + recipe.name_loss * (missed * trust).sum() / trust.sum()


def raw_part(lesson: Lesson, keep: Mask, text_part: Floats, dim: int, recipe: Recipe) -> Floats:
    """(1281, dim): the strongest directions of the features, sized against the text part."""
    x = lesson.features[0][keep]
    weight = source_weights(_kept(lesson, keep), recipe.source_power)
    mean = x.mean(0)
    spread = (x - mean).T @ ((x - mean) * weight[:, None])
    turn = np.linalg.eigh(spread.astype(np.float64))[1][:, ::-1][:, :dim].astype(np.float32)
    turn = np.concatenate([turn, -(mean @ turn)[None]])
    own: float = np.linalg.norm(with_one(x) @ turn, axis=1).mean()
    beside: float = np.linalg.norm(with_one(x) @ text_part, axis=1).mean()
    return turn * (recipe.raw * beside / own)


def fit(lesson: Lesson, keep: Mask, raw_dim: int, recipe: Recipe) -> Floats:
    """The whole projection (1281, dim + raw_dim); the last row is the bias."""
    start = fit_captions(lesson, keep, recipe)
    ends = [refine(lesson, keep, start, recipe, seed) for seed in range(recipe.descents)]
    text_part: Floats = np.stack(ends).mean(axis=0)
    length = np.linalg.norm(with_one(lesson.features[0][keep]) @ text_part, axis=1).mean()
    text_part[-1] += recipe.favour * length * _towards_medical(lesson)
    return np.concatenate([text_part, raw_part(lesson, keep, text_part, raw_dim, recipe)], axis=1)


def _towards_medical(lesson: Lesson) -> Floats:
    """(dim,), unit: from what is said of other pictures to what is said of medical ones."""
    sides = {True: [lesson.medical_vectors], False: [lesson.other_vectors]}
    for name, vectors in zip(ALL_KINDS, lesson.kind_vectors, strict=True):
        sides[name in ALL_BRANCHES].append(vectors)
    return unit(np.concatenate(sides[True]).mean(0) - np.concatenate(sides[False]).mean(0))


def source_weights(
    rows: Sequence[Row], power: float = 0.5, *, even: bool = False
) -> npt.NDArray[np.float64]:
    """How much each picture counts, summing to 1: (size of its source) ** -power, so that no source
    stands over all others; with `even` both classes count alike."""
    sizes = Counter(row.source for row in rows)
    weight = np.array([sizes[row.source] ** -power for row in rows])
    if even:
        medical = np.array([row.label == "medical" for row in rows])
        for side in (medical, ~medical):
            weight[side] /= weight[side].sum()
    found: npt.NDArray[np.float64] = weight / weight.sum()
    return found


def softmax(scores: Floats) -> Floats:
    """Along the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    found: Floats = powers / powers.sum(-1, keepdims=True)
    return found


def _kept(lesson: Lesson, keep: Mask) -> list[Row]:
    return [lesson.rows[n] for n in np.flatnonzero(keep).tolist()]


def _kind_prior(rows: Sequence[Row], kinds: Sequence[str], recipe: Recipe) -> Floats:
    chance = np.full(len(kinds), 1e-4)  # kinds that no picture here shows
    for row, each in zip(rows, source_weights(rows, recipe.source_power, even=True), strict=True):
        chance[kinds.index(row.category)] += each
    found: Floats = np.log(chance / chance.sum()).astype(np.float32)
    return found


def _kind_loss(
    lesson: Lesson,
    rows: npt.NDArray[np.int64],
    seen: torch.Tensor,
    recipe: Recipe,
    dice: np.random.Generator,
) -> torch.Tensor:
    """The right kind among all kinds, each in one random wording."""
    said = np.stack([wordings[dice.integers(len(wordings))] for wordings in lesson.kind_vectors])
    wanted = torch.from_numpy(lesson.kinds[rows])
    scores = recipe.scale * seen @ torch.from_numpy(said).T
    scores = scores + recipe.adjust * torch.from_numpy(lesson.kind_prior)
    return functional.cross_entropy(scores, wanted, label_smoothing=0.05)


def _pool_loss(
    lesson: Lesson,
    rows: npt.NDArray[np.int64],
    seen: torch.Tensor,
    scale: float,
    dice: np.random.Generator,
) -> torch.Tensor:
    """Medical or not, by a softmax over a random handful of sentences of both sides."""
    count = int(dice.integers(4, 14))

    def some(vectors: Floats, n: int) -> torch.Tensor:
        return torch.from_numpy(vectors[dice.integers(0, len(vectors), n)])

    def pooled(vectors: list[torch.Tensor]) -> torch.Tensor:
        bank = torch.cat(vectors)
        found: torch.Tensor = torch.logsumexp(scale * seen @ bank.T, dim=1) - np.log(len(bank))
        return found

    sides = zip(ALL_KINDS, lesson.kind_vectors, strict=True)
    scans = [(name in ALL_BRANCHES, vectors) for name, vectors in sides]
    yes = pooled(
        [
            some(lesson.medical_vectors, count),
            some(np.concatenate([v for medical, v in scans if medical]), count),
        ]
    )
    no = pooled(
        [
            some(lesson.other_vectors, count),
            some(np.concatenate([v for medical, v in scans if not medical]), count),
            some(lesson.names, count // 2),
        ]
    )
    wanted = torch.from_numpy(lesson.medical[rows].astype(np.float32)) * 0.96 + 0.02
    return functional.binary_cross_entropy_with_logits(yes - no, wanted)
