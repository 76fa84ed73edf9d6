"""An index that an earlier decode recipe filled → one read by the recipe in force.

The index stays as it is until it is asked to move: its vectors keep their fingerprint, and so do
its verdicts, which are answered again (replayed) by the encoder in force at their time.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np

from mediclip_index import reading
from mediclip_index.catalog import WriteTransaction, images, indexed, labels, models, removals
from mediclip_index.catalog.indexed import Indexed
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.session import unrelated
from mediclip_index.session.session import Session, load_encoder, put_in_force
from mediclip_index.show.text import counted
from mediclip_index.types import Facts, Picture, Refusal, Settings, UsageError

_NOTHING = labels.CurrentLabels()
_NO_PIXELS = np.zeros((0, 0, 3), dtype=np.uint8)
_START = 4096  # bytes of a file that say how deep it is


def read_otherwise(session: Session, stored: StoredEncoder) -> list[Indexed]:
    """The images that the recipe in force may read otherwise than the index's own did."""
    if stored.recipe == reading.RECIPE:
        return []
    with session.catalog.reading() as read:
        there = indexed.indexed(read)
    return [  # files are looked into while nobody has to wait for the catalog
        image
        for image in there
        if reading.read_otherwise(stored.recipe, image.format, image.mode, _start(image))
    ]


def _start(image: Indexed) -> bytes:
    if image.format != "PNG":
        return b""
    with contextlib.suppress(OSError, ValueError), open(image.path, "rb") as file:
        return file.read(_START)
    return b""


def advice(session: Session, stored: StoredEncoder) -> list[str]:
    """What a build says of an index whose pictures were read by an earlier recipe."""
    found = read_otherwise(session, stored)
    if not found:
        return []
    kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(i.format for i in found).most_common())
    return [
        f"{counted(len(found), 'image')} of this index ({kinds}) would be read otherwise now, "
        "nearer to what a viewer shows: `mediclip-index build --reread` reads them again; labels "
        "stay, and verdicts given before can be replayed."
    ]


def move(session: Session, sources: Sequence[str], before: Sequence[str]) -> list[str]:
    """Put the recipe in force into force for this index: vectors of pictures that it reads alike
    are taken over, the others are wanting and made by the build that follows. Returns notes.

    sources, before: what the build was told to look at, and all that the index was built from.
    """
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        unfinished = images.known_contents(read, stored)[1]
    # Those that are gone as well: their file may come back.
    otherwise = {image.id: image.present for image in read_otherwise(session, stored)}
    if stored.recipe == reading.RECIPE:
        if unfinished:
            return [f"{counted(len(unfinished), 'file')} that a build left unread are read again."]
        return ["All pictures of this index were read as this version reads them."]
    if sources and not set(before) <= set(sources):
        raise UsageError("--reread looks at all sources of the index again: name none, or all.")
    encoder = load_encoder(stored.name, session.options)
    measured = unrelated.by_samples(encoder)
    with session.catalog.writing("build --reread", by=session.author) as write:
        if models.encoder(write).number != stored.number:
            raise UsageError("Another build moved this index meanwhile; run the same again.")
        new = put_in_force(write, encoder, measured or stored.unrelated)
        models.take_over(write, stored, new, without=otherwise)
        # Cosines of one encoder say nothing of another's.
        plain = models.settings(write).unit == "cosines"
        if plain:
            models.add_settings(write, Settings())
    session.use(encoder)
    count = sum(otherwise.values())
    notes = [
        f"{counted(count, 'image')} read again; a calibration made before no longer holds: "
        "`mediclip-index tune` makes another."
    ]
    if plain:
        notes.append(
            "The settings in force counted in cosines of the model as it was; those that ship with "
            "this version took over."
        )
    return notes


class ReadAgain:
    """Contents that are read again, and what that leaves to do. `waiting`: the pictures of those
    that are not kept yet, by content."""

    def __init__(self, session: Session, stored: StoredEncoder, run: str) -> None:
        self.waiting: dict[str, Sequence[Picture]] = {}
        self._session, self._stored, self._run = session, stored, run
        self._kept: set[str] = set()
        self._refused: dict[str, set[int | None]] = {}  # pages that could not be read, by content
        self._said: list[int] = []  # images whose labels were of other figures

    def wait(self, sha: str, pictures: Sequence[Picture], refused: Sequence[Refusal]) -> None:
        """What a content turned out to hold, without the pixels."""
        self.waiting[sha] = [replace(picture, pixels=_NO_PIXELS) for picture in pictures]
        self._refused[sha] = {refusal.page for refusal in refused}

    def take_back(self) -> None:
        """Before those that wait are kept, so that whatever ends a build between the two is made
        good by the next: where a page shows other figures than before, what people said of its
        images was said of others, and is taken back."""
        with self._session.catalog.reading() as read:
            before = indexed.of_contents(read, self.waiting)
            moved = [i for sha, old in before.items() for i in _otherwise(old, self.waiting[sha])]
            current = labels.current_labels(read, moved)
        said = [i for i in moved if current.get(i, _NOTHING) != _NOTHING]
        changed: dict[int, Picture] = {}
        for sha, old in before.items():
            changed |= _changed(old, self.waiting[sha])
        if said or changed:
            with self._writing() as write:
                labels.say(
                    write, dict.fromkeys(said, Facts(label="", split="", subject="", kind=""))
                )
                indexed.renew(write, changed)
        self._said += said
        self._kept.update(self.waiting)
        self.waiting = {}

    def settle(self) -> list[str]:
        """Once all are kept: images that are no longer found in their file are marked as removed.
        Returns notes."""
        notes = []
        with self._session.catalog.reading() as read:
            lacking = set(indexed.without_vectors(read, self._stored, self._kept))
            # Of a page that was refused nobody knows what is on it: it may be read another time.
            lost = [
                image.id
                for image in indexed.indexed(read, self._kept)
                if image.id in lacking and image.page not in self._refused.get(image.sha256, ())
            ]
            current = labels.current_labels(read, self._said)
        # What folders and lists say of a whole file has been said again since.
        bare = [i for i in self._said if current.get(i, _NOTHING) == _NOTHING]
        if lost:
            with self._writing() as write:
                removals.mark(write, lost, "removed")
            notes.append(f"{counted(len(lost), 'image')} removed: no longer a picture of its file.")
        if bare:
            notes.append(
                f"The labels of {counted(len(bare), 'image')} were taken back, since their "
                "pages show other figures than before: "
                f"{', '.join(f'#{i}' for i in bare[:20])}."
            )
        return notes

    def _writing(self) -> AbstractContextManager[WriteTransaction]:
        return self._session.catalog.writing(
            "build --reread", by=self._session.author, run=self._run
        )


def _changed(old: Iterable[Indexed], new: Sequence[Picture]) -> dict[int, Picture]:
    """The images of which something else is told now than before, and what."""
    now = {(picture.page, picture.item): picture for picture in new}
    return {
        i.id: one
        for i in old
        if (one := now.get((i.page, i.item))) is not None
        and (i.width, i.height, i.format, i.mode)
        != (one.width, one.height, one.format, one.metadata.get("mode", ""))
    }


def _otherwise(old: Iterable[Indexed], new: Sequence[Picture]) -> list[int]:
    """The images of pages whose figures are others than before, by their sizes."""
    before: dict[int | None, list[Indexed]] = defaultdict(list)
    for image in old:
        if image.item is not None:
            before[image.page].append(image)
    now: dict[int | None, list[tuple[int | None, int, int]]] = defaultdict(list)
    for picture in new:
        now[picture.page].append((picture.item, picture.width, picture.height))
    own = {(picture.page, picture.item) for picture in new}
    return [
        image.id
        for page, there in before.items()
        # Those that a person removed are missing before, and make nobody else another figure.
        if not {(i.item, i.width, i.height) for i in there} <= set(now[page])
        for image in there
        if (image.page, image.item) in own  # else it is lost, and removed as it is
    ]
