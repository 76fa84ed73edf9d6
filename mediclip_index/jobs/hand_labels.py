"""A person's word counts: labels said by hand beside the verdicts of the machine.

The machine's verdict stays what it is, in reports and in the audit; the class and kind that count
are the person's where there are any. What folder names and lists say at a `build` is no person's
word: it teaches, and may be wrong as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from mediclip_index.catalog import ReadTransaction, labels
from mediclip_index.catalog.labels import ByHand
from mediclip_index.session.snapshot import Snapshot
from mediclip_index.types import HandLabel, Ids

Place = tuple[str, int | None, int | None]  # content, page, item


def said_of(read: ReadTransaction, there: Mapping[Place, int]) -> dict[Place, ByHand]:
    """What people said of pictures that are there, by the ids of the images."""
    hands = labels.by_hand(read, set(there.values())) if there else {}
    return {place: hands[i] for place, i in there.items() if i in hands}


def hand_label(hand: ByHand | None, base: Snapshot, kinds: Ids) -> HandLabel | None:
    """What counts of a person's word. kinds (c,): the place of each class's likeliest kind.

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
    vectors = base.text_classifier.vectors
    if label not in vectors.classes:
        return HandLabel(label, None, hand.author)
    best = int(kinds[vectors.classes.index(label)])
    return HandLabel(label, vectors.groups[best], hand.author)
