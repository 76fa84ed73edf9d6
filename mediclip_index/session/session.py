"""A session with an index: the catalog, who works, and the loaded model; every job is given one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from mediclip_index import encoding, neighbours, reading
from mediclip_index.catalog import (
    Catalog,
    ReadTransaction,
    WriteTransaction,
    WrittenAtOneMoment,
    ann_files,
    audit,
    models,
    operating_user,
    presence,
    salt,
)
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.neighbours import VectorIndex
from mediclip_index.session.names import Names
from mediclip_index.types import (
    Encoder,
    IndexFacts,
    ModelOptions,
    ModelUnavailable,
    Picture,
    PromptSet,
    Settings,
    Unrelated,
    Vectors,
)

T = TypeVar("T")


class Session:
    """A catalog, an author, a device, and the encoder once it was needed."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        by: str | None = None,
        options: ModelOptions | None = None,
        bundled: Path | None = None,
    ) -> None:
        self.catalog = catalog
        self.author = by or operating_user()
        self.options = options or ModelOptions()
        self.bundled = bundled  # where references and calibrations lie (None: in the package)
        self._encoder: Encoder | None = None
        self._coming: Future[Encoder | None] | None = None
        self._names: Names | None = None
        self._loading = threading.Lock()
        self._shared_with: Session | None = None  # who loads the model for this one, too

    def signed_by(self, author: str) -> Session:
        """A session of another author; the model is loaded once for both."""
        other = Session(self.catalog, by=author, options=self.options, bundled=self.bundled)
        other._shared_with = self._shared_with or self
        return other

    def at_one_moment(self, look: Callable[[], T]) -> T:
        """What `look` gives, all of whose reads see one moment; where it has to write (sentences
        that are new, say), each its own."""
        with contextlib.suppress(WrittenAtOneMoment), self.catalog.at_one_moment():
            return look()
        return look()

    @property
    def names(self) -> Names:
        """How this index names files."""
        if self._names is None:
            with self.catalog.reading() as read:
                return self.names_in(read)
        return self._names

    def names_in(self, read: ReadTransaction) -> Names:
        """`names`, from a transaction that is open already."""
        if self._names is None:
            self._names = Names(salt.of(read))
        return self._names

    @property
    def loaded(self) -> Encoder | None:
        """The encoder, where one was needed so far."""
        return self._encoder

    def encoder(self, stored: StoredEncoder) -> Encoder:
        """The encoder in force, loaded once; ModelUnavailable where it is not the recorded one."""
        if self._shared_with is not None:
            self._encoder = self._shared_with.encoder(stored)
            return self._encoder
        with self._loading:
            return self._loaded(stored)

    def _loaded(self, stored: StoredEncoder) -> Encoder:
        if self._encoder is None and self._coming is not None:
            there, self._coming = self._coming.result(), None
            if there is not None:
                self.use(there, stored)
        if self._encoder is None or self._encoder.fingerprint != stored.fingerprint:
            self.use(load_encoder(stored.name, self.options, stored.recipe), stored)
        assert self._encoder is not None
        return self._encoder

    def expect(self, stored: StoredEncoder) -> None:
        """Have the encoder loaded beside other work, where it was made ready for a quick start."""
        if self._encoder is None and self._coming is None:
            one = ThreadPoolExecutor(1, "model")
            self._coming = one.submit(
                encoding.ready_encoder,
                stored.name,
                recipe=stored.recipe,
                pictures=agreement_pictures,
                options=self.options,
            )
            one.shutdown(wait=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the encoder in use."""
        return self._encoder.notes if self._encoder is not None else ()

    def use(self, encoder: Encoder, stored: StoredEncoder | None = None) -> None:
        """Take an encoder that is loaded already; refused where the index was made with another."""
        if stored is not None and encoder.fingerprint != stored.fingerprint:
            raise ModelUnavailable(
                f"The model {stored.name} is no longer the one that this index was made with "
                f"(fingerprint {encoder.fingerprint[:12]} instead of {stored.fingerprint[:12]}): "
                "bring its weights back, or build a new index with --index."
            )
        self._encoder = encoder

    def facts(self, read: ReadTransaction) -> IndexFacts:
        """The head of a report, as of this transaction."""
        stored = models.encoder(read)
        file = ann_files.newest(read, stored.fingerprint)
        return IndexFacts(
            path=str(self.catalog.folder),
            generation=file.generation if file else 0,
            model=stored.name,
            fingerprint=stored.fingerprint,
            images=presence.image_count(read),
            settings=models.settings(read).number,
            chain_head=audit.head(read)[1],
            id=read.index_id(),
        )

    def references(
        self, stored: StoredEncoder, settings: Settings, prompts: PromptSet
    ) -> encoding.References | None:
        """The model's own references, where they may vote: the settings let them, and the classes
        that they are of are classes of the prompt set."""
        if not settings.references:
            return None
        found = encoding.references(stored.name, self.bundled)
        if found is None or found.vectors.shape[1] != stored.dim:
            return None
        return found if found.classes <= set(prompts.class_names) else None

    def vector_index(
        self, read: ReadTransaction, stored: StoredEncoder
    ) -> tuple[VectorIndex, list[str]]:
        """All vectors of the index, and what a person should know of their state."""
        notes = []
        opened = []
        since = 0
        for file in ann_files.files(read, stored.fingerprint):
            try:
                opened.append(neighbours.open_file(self.catalog.folder, file))
            except neighbours.Damaged as damage:
                notes.append(
                    f"The neighbour file can't be used ({damage}); searched exactly from the "
                    "catalog instead. `mediclip-index build` writes it anew."
                )
                break
            since = file.through_tx
        ids, vectors = ann_files.vectors_since(read, stored, since)
        return VectorIndex(opened, ids, vectors, presence.absent_ids(read)), notes


def load_encoder(
    name: str, options: ModelOptions | None = None, recipe: str | None = None
) -> Encoder:
    """An encoder by name, bound to a decode recipe (None: the one in force); engines are held
    against each other on the sample collection."""
    return encoding.open_encoder(
        name,
        options or ModelOptions(),
        recipe=recipe or reading.RECIPE,
        pictures=agreement_pictures,
    )


def put_in_force(
    write: WriteTransaction, encoder: Encoder, measured: Unrelated | None
) -> StoredEncoder:
    """Have the index compute with an encoder from now on, by the decode recipe in force; measured:
    its unrelated cosines, where they could be."""
    models.add_encoder(
        write,
        fingerprint=encoder.fingerprint,
        name=encoder.name,
        dim=encoder.dim,
        scale=encoder.logit_scale,
        recipe=reading.RECIPE,
    )
    if measured is not None:
        models.add_unrelated(write, models.encoder(write), measured)
    return models.encoder(write)


def sample_pictures(size: int) -> list[Picture]:
    """The pictures of the sample collection, of every kind, for a model of `size` pixels; those
    that can be found."""
    from mediclip_index import samples

    return [
        picture
        for entry in samples.collection().entries
        for picture in reading.read_file(entry.path, size=size)[1].pictures
    ]


def agreement_pictures(size: int) -> list[Picture]:
    """At least 64 real pictures for a model of `size` pixels, where the sample collection can be
    found: its pictures, and then the quarters of each."""
    found = sample_pictures(size)
    return found + [quarter for picture in found for quarter in _quarters(picture)]


def _quarters(picture: Picture) -> Iterator[Picture]:
    height, width = (max(1, side // 2) for side in picture.pixels.shape[:2])
    for y in (0, picture.pixels.shape[0] - height):
        for x in (0, picture.pixels.shape[1] - width):
            pixels = np.ascontiguousarray(picture.pixels[y : y + height, x : x + width])
            yield Picture(pixels, width, height, picture.format)


def unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return (vector / length).astype(np.float32) if length > 0 else vector
