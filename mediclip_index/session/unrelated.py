"""An encoder → how alike it finds pictures that have nothing to do with each other.

Measured on the sample collection, which does not depend on how uniform a user's own pile is; where
it can't be found, on a sample of the pile's own vectors.
"""

from __future__ import annotations

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import ReadTransaction, images, labels, models, presence
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.session.session import Session, sample_pictures
from mediclip_index.types import Encoder, Ids, Unrelated, Vectors

LEAST = 12  # pictures that tell anything
MOST = 512  # of the pile that are looked at


def by_samples(encoder: Encoder) -> Unrelated | None:
    """Of all pairs of sample pictures; None where too few are here."""
    pictures = sample_pictures(encoder.image_size)
    if len(pictures) < LEAST:
        return None
    return _of_pairs(encoder.encode_pictures(pictures), [])


def by_pile(read: ReadTransaction, stored: StoredEncoder) -> Unrelated | None:
    """Of pairs of indexed pictures, where these are of different sources and subjects as far as
    these are known; None where there are too few."""
    there = presence.present_ids(read)
    if len(there) > MOST:
        there = np.sort(np.random.default_rng(0).permutation(there)[:MOST])
    ids, vectors = images.vectors(read, stored, there.tolist())
    if len(ids) < LEAST:
        return None
    said, about = labels.current_labels(read, ids.tolist()), labels.attributes(read, ids.tolist())
    sources = [about.get(i, {}).get("source", "") for i in ids.tolist()]
    subjects = [said.get(i, labels.CurrentLabels()).subject or "" for i in ids.tolist()]
    return _of_pairs(vectors, [sources, subjects])


def measured(session: Session, stored: StoredEncoder) -> Unrelated | None:
    """What is kept of an encoder; where nothing is, what is measured now."""
    if stored.unrelated is not None:
        return stored.unrelated
    found = by_samples(session.encoder(stored))
    if found is None:
        with session.catalog.reading() as read:
            found = by_pile(read, stored)
    return found


def after_build(session: Session, stored: StoredEncoder) -> None:
    """Make up for an encoder of which nothing could be measured when it was put in force."""
    if stored.unrelated is not None:
        return
    with session.catalog.reading() as read:
        found = by_pile(read, stored) if models.settings(read).unit == "spreads" else None
    if found is not None:
        with session.catalog.writing("build", by=session.author) as write:
            models.add_unrelated(write, stored, found)


def _of_pairs(vectors: Vectors, columns: list[list[str]]) -> Unrelated | None:
    """vectors (n, dim); columns, each (n,), in which the two of a pair must differ."""
    pairs = np.triu(np.ones((len(vectors), len(vectors)), dtype=bool), 1)
    for names in columns:
        keys: Ids = np.unique(np.array(names), return_inverse=True)[1]
        pairs &= (keys[:, None] != keys) | np.array([name == "" for name in names])[:, None]
    return verdict.unrelated((vectors @ vectors.T)[pairs])
