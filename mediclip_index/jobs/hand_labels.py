"""A person's word counts: labels said by hand beside the verdicts of the machine.

The machine's verdict stays what it is, in reports and in the audit; the class and kind that count
are the person's where there are any. What folder names and lists say at a `build` is no person's
word: it teaches, and may be wrong as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mediclip_index.catalog import ReadTransaction, labels, removals
from mediclip_index.catalog.labels import ByHand
from mediclip_index.jobs.grounding import Ground
from mediclip_index.types import HandLabel

Pictures = Mapping[tuple[str, int | None, int | None], int]


def said_of(
    read: ReadTransaction, pictures: Pictures, asked: Sequence[tuple[str, int | None, int | None]]
) -> list[ByHand | None]:
    """What people said of pictures (content, page, item), by the ids of those that the index
    holds; nothing counts that was said of one that was taken out."""
    ids = [pictures.get(one) for one in asked]
    hands = labels.by_hand(read, {i for i in ids if i is not None}) if any(ids) else {}
    out = set(removals.removed(read)) if hands else set()
    return [None if i is None or i in out else hands.get(i) for i in ids]


def hand_label(
    hand: ByHand | None, base: Ground, groups: Sequence[float] | np.ndarray
) -> HandLabel | None:
    """What counts of a person's word. groups (g,): the shares that the words give to each kind.

    A kind says its class too; one that is of another class than was said is passed over, and the
    best of that class stands in for it.
    """
    if hand is None:
        return None
    classes = base.classes_by_kind.get(hand.kind or "", ())
    label = hand.label or (classes[0] if classes else None)
    if label is None:
        return None
    if hand.kind is not None and label in classes:
        return HandLabel(label, hand.kind, hand.author)
    vectors = base.wording.vectors
    if label not in vectors.classes:
        return HandLabel(label, None, hand.author)
    of_class = np.flatnonzero(vectors.group_class == vectors.classes.index(label))
    best = of_class[np.asarray(groups)[of_class].argmax()]
    return HandLabel(label, vectors.groups[int(best)], hand.author)
