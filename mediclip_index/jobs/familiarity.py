"""How well a picture is known: the nearest that it is known by, and how far apart those lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import ReadTransaction, images
from mediclip_index.session.snapshot import Snapshot
from mediclip_index.types import Ids, Vectors

NEAREST = verdict.NEAREST
Who = tuple[bool, int]  # whether it is a reference, and its place there, or an image's id


@dataclass(frozen=True, eq=False)
class Near:
    """The nearest that a picture is known by, nearest first, with their cosines."""

    who: tuple[Who, ...]
    similarities: Vectors


def nearest(
    base: Snapshot,
    ids: Ids,
    similarities: Vectors,
    places: Ids,
    reference_similarities: Vectors,
) -> Near:
    """Of labelled images (ids) and of references (places): of images alone where the calibration
    was fitted here, of both together where it came with the model. None where none is asked for."""
    found = base.calibration
    if found is None or found.fitted.strange is None:
        return Near((), np.zeros(0, dtype=np.float32))
    if found.kind == "tuned":
        return Near(tuple((False, int(i)) for i in ids[:NEAREST]), similarities[:NEAREST])
    own = len(base.support.ids) > 0  # else the images that are near are not labelled
    everyone = [(False, int(i)) for i in ids if own] + [(True, int(p)) for p in places]
    cosines = np.concatenate([similarities if own else similarities[:0], reference_similarities])
    order = np.argsort(-cosines, kind="stable")[:NEAREST]
    return Near(tuple(everyone[n] for n in order), cosines[order])


def neighbour_distances(
    read: ReadTransaction, base: Snapshot, near: Sequence[Near]
) -> dict[Who, float]:
    """How far each of those that are near lies from its own nearest, in the mean."""
    who = sorted({one for row in near for one in row.who})
    if not who:
        return {}
    wanted = [i for reference, i in who if not reference]
    places = [i for reference, i in who if reference]
    ids, vectors = images.vectors(read, base.stored, wanted)
    keys: list[Who] = [(False, int(i)) for i in ids]
    if places:
        assert base.references is not None
        keys += [(True, i) for i in places]
        vectors = np.concatenate([vectors, base.references.vectors[places]])
    found, similarities = base.vector_index.search(
        vectors,
        NEAREST + 1,
        base.support.ids if len(base.support.ids) else None,
        partial(images.vectors, read, base.stored),
    )
    own = np.array([-2 if reference else i for reference, i in keys], dtype=np.int64)
    # Itself aside: pushed to the end, where the mean does not reach.
    apart = np.where((found == own[:, None]) | (found < 0), -np.inf, similarities)
    if base.calibration is not None and base.calibration.kind == "shipped":
        if len(base.support.ids) == 0:
            apart = apart[:, :0]
        apart = np.concatenate([apart, _to_references(base, keys, vectors)], axis=1)
    apart = -np.sort(-apart, axis=1)
    return dict(zip(keys, verdict.mean_distance(apart).tolist(), strict=True))


def _to_references(base: Snapshot, keys: Sequence[Who], vectors: Vectors) -> Vectors:
    """Cosines (n, r) of some to every reference, to itself aside."""
    assert base.references is not None
    cosines = vectors @ base.references.vectors.T
    for row, (reference, place) in enumerate(keys):
        if reference:
            cosines[row, place] = -np.inf
    return cosines


def ood_score(near: Near, around: Mapping[Who, float]) -> np.ndarray:
    """How unlike everything known one picture is, (1,)."""
    far = np.mean([around[one] for one in near.who]) if around and near.who else 0.0
    return verdict.ood_score(verdict.mean_distance(near.similarities[None]), np.array([far]))
