"""How many verdicts a label would turn, before it is set."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from mediclip_index.catalog import images, indexed, labels
from mediclip_index.jobs.classify_many import Classified, Classifier
from mediclip_index.jobs.headers import dicom_headers
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import Snapshot, open_snapshot
from mediclip_index.types import Foreseen, Ids, UsageError

AROUND = 256  # images that are looked at: a label speaks to those nearest to it


def would_turn(session: Session, image: int, label: str) -> Foreseen:
    """See Labels.would_turn."""
    base = open_snapshot(session)
    names = base.text_classifier.vectors.classes
    if label not in names:
        listed = ", ".join(names)
        raise UsageError(f"{label!r} is no class of this index; the classes are {listed}.")
    with session.catalog.reading() as read:
        then = read.as_of(base.tx)
        _, own = images.vectors(then, base.stored, [image])
        if not len(own):
            raise UsageError(f"There is no image {image} in this index.")
        stored = partial(images.vectors, then, base.stored)
        around, _ = base.vector_index.search(own, AROUND + 1, None, stored)
        wanted = np.setdiff1d(around[0][around[0] >= 0], [image])
        ids, vectors = images.vectors(then, base.stored, wanted.tolist())
        contents = indexed.contents(then, ids)
        headers = dicom_headers(then, base.text_classifier.vectors, ids.tolist())
        held_out = labels.current_labels(then, [image]).get(image, labels.CurrentLabels()).split
    if held_out in labels.HELD_OUT or not len(ids):
        return Foreseen(image, label, len(ids), 0)
    after = replace(base, support=_with(base.support, image, names.index(label)))

    def judged(snapshot: Snapshot) -> Classified:
        return Classifier(session, snapshot).classify(contents, vectors, headers)

    turned = judged(base).decision.winners != judged(after).decision.winners
    return Foreseen(image, label, len(ids), int(np.count_nonzero(turned)))


def _with(support: labels.Support, image: int, place: int) -> labels.Support:
    """The support with an image of the class at `place`."""
    rest: Ids = support.ids != image
    ids = np.append(support.ids[rest], image)
    classes = np.append(support.classes[rest], place)
    order = np.argsort(ids)
    return labels.Support(ids[order], classes[order])
