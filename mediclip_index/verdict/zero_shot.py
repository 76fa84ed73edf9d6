"""Zero-shot: how much each class's words say of an image.

Groups are scored by s (x · g), and a softmax over all of them gives a class the sum of its
groups; a mean would punish a class for groups that have nothing to do with the picture. Pooling
"prompts" scores every sentence for itself, as MediCLIP does; "mean" gives a class one vector.

A group's vector g is the mean of its sentences, moved to the distance from the middle of all groups
that these have in the mean, so that a group of many different sentences has as loud a voice as one
of paraphrases. (Scaling g to unit length, as is common, does so too, but holds only where cosines
are around zero: where all cosines go through an increasing linear map, answers would change.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mediclip_index.types import Ids, Pooling, PromptSet, Vectors

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PromptEmbeddings:
    """A prompt set in vectors: what is scored (rows), and the class and group each row stands for.

    rows (m, dim) about unit length; row_class (m,), row_group (m,) -1 where a row is a whole class;
    sentences (t, dim) unit, sentence_group (t,); group_class (g,).
    """

    pooling: Pooling
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    rows: Vectors
    row_class: Ids
    row_group: Ids
    sentences: Vectors
    sentence_group: Ids
    group_class: Ids


@dataclass(frozen=True)
class ZeroShotScores:
    """What the words say of n images: classes (n, c) and groups (n, g) sum to 1 over a row;
    sentences (n, t) are plain cosines."""

    classes: Floats
    groups: Floats
    sentences: Vectors

    def of(self, rows: slice) -> ZeroShotScores:
        """Those of some of the images."""
        return ZeroShotScores(self.classes[rows], self.groups[rows], self.sentences[rows])


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    """Rows scaled to unit length; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def softmax(scores: Floats) -> Floats:
    """Over the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def prompt_embeddings(prompts: PromptSet, sentences: Vectors, pooling: Pooling) -> PromptEmbeddings:
    """Pool the sentences' unit vectors (t, dim), in the order of `prompts.sentences`."""
    groups = [(i, g) for i, c in enumerate(prompts.classes) for g in c.groups]
    sentence_group = np.repeat(np.arange(len(groups)), [len(g.prompts) for _, g in groups])
    group_class = np.array([i for i, _ in groups], dtype=np.int64)
    if pooling == "prompts":
        rows, row_group = sentences, sentence_group
        row_class = group_class[row_group]
    elif pooling == "groups":
        rows = _means(sentences, sentence_group)
        row_group = np.arange(len(groups))
        row_class = group_class
    else:
        rows = _means(sentences, group_class[sentence_group])
        row_class = np.arange(len(prompts.classes))
        row_group = np.full(len(row_class), -1)
    return PromptEmbeddings(
        pooling=pooling,
        classes=prompts.class_names,
        groups=tuple(g.name for _, g in groups),
        rows=rows,
        row_class=row_class.astype(np.int64),
        row_group=row_group.astype(np.int64),
        sentences=sentences,
        sentence_group=sentence_group.astype(np.int64),
        group_class=group_class,
    )


def _means(vectors: Vectors, label: Ids) -> Vectors:
    """The mean of each label's vectors, all moved equally far from the middle of the means."""
    means = np.stack([vectors[label == i].mean(axis=0) for i in range(int(label.max()) + 1)])
    middle = means.mean(axis=0)
    apart = means - middle
    far = np.linalg.norm(apart, axis=1, keepdims=True)
    scaled = apart * np.divide(far.mean(), far, out=np.ones_like(far), where=far > 0)
    return np.asarray(middle + scaled, dtype=np.float32)


def zero_shot(
    images: Vectors,
    words: PromptEmbeddings,
    scale: float,
    biases: Mapping[str, float] | Sequence[float] = (),
) -> ZeroShotScores:
    """The words' probabilities for unit image vectors (n, dim); biases are factors by class."""
    shares = softmax(scale * (images @ words.rows.T).astype(np.float64))
    factors = _factors(words.classes, biases)
    shares = shares * factors[words.row_class]
    shares /= shares.sum(axis=1, keepdims=True)
    classes = _sums(shares, words.row_class, len(words.classes))
    sentences = images @ words.sentences.T
    if (words.row_group >= 0).all():
        groups = _sums(shares, words.row_group, len(words.groups))
    else:
        # One vector a class: inside it, the groups share by their own sentences.
        means = _means(words.sentences, words.sentence_group)
        raw = softmax(scale * (images @ means.T).astype(np.float64))
        within = raw / _sums(raw, words.group_class, len(words.classes))[:, words.group_class]
        groups = within * classes[:, words.group_class]
    return ZeroShotScores(classes=classes, groups=groups, sentences=sentences)


def _factors(classes: Sequence[str], biases: Mapping[str, float] | Sequence[float]) -> Floats:
    if isinstance(biases, Mapping):
        return np.array([biases.get(name, 1.0) for name in classes], dtype=np.float64)
    return np.array(biases or [1.0] * len(classes), dtype=np.float64)


def _sums(shares: Floats, label: Ids, count: int) -> Floats:
    return np.stack([shares[:, label == i].sum(axis=1) for i in range(count)], axis=1)
