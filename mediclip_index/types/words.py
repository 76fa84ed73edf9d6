"""What the rooms share: frozen dataclasses and protocols.

Rooms never import each other; what passes between them is defined here, or is a numpy array.
Vectors are float32, shape (n, dim), each row of unit length, unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
Attribute = str | int | float | bool

# --- reading ----------------------------------------------------------------------------------

# missing: files of a source that were known and are not there, so that nothing was changed.
Reason = Literal[
    "not_an_image", "damaged", "too_large", "unreadable", "empty", "no_pixels", "unsupported",
    "missing",
]  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """An input that can't be used, and why. `page` counts from 1 where only a page is refused."""

    path: str
    reason: Reason
    message: str
    page: int | None = None


@dataclass(frozen=True)
class Bounds:
    """How much one file may cost before it, or the rest of it, is refused as `too_large`.

    `max_seconds` (of one page, frame or single picture), `max_file_seconds` (of all of them) and
    `max_memory` (bytes beside the file's own) hold where a file is read in a process of its own.
    Seconds are processor time where the system tells it, so that a busy machine refuses no more.
    """

    max_bytes: int = 2 * 1024**3
    max_pixels: int = 250_000_000
    max_frames: int = 2_000
    max_pages: int = 2_000
    max_seconds: float = 30.0
    max_file_seconds: float = 1_800.0
    max_memory: int = 900 * 1024**2  # with Python and its libraries about a gigabyte


@dataclass(frozen=True)
class Facts:
    """What a source says of a file: a CSV row, or the folders it lies in. None is "not said".

    parts: (page, item or None, what is said of it), of files with several pictures.
    """

    label: str | None = None
    split: str | None = None
    subject: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[tuple[int | None, int | None, Facts], ...] = ()
    kind: str | None = None  # only people say it, by id

    def of(self, page: int | None, item: int | None) -> Facts:
        """What is said of one picture of the file; of a file of one, its page is the first."""
        said = replace(self, parts=())
        for its_page, its_item, more in self.parts:
            if its_page in (None, page or 1) and its_item in (None, item):
                said = Facts(
                    label=said.label if more.label is None else more.label,
                    split=said.split if more.split is None else more.split,
                    subject=said.subject if more.subject is None else more.subject,
                    attributes={**said.attributes, **more.attributes},
                    kind=said.kind,
                )
        return said

    def labels(self) -> set[str]:
        """Every class that is named."""
        named = {self.label} | {label for *_, more in self.parts for label in more.labels()}
        return {label for label in named if label}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file found in a source, not yet read. `given` is the path as the user would write it.

    `path` is what the index calls it; `at` is where it lies, where that is another name.
    """

    path: str
    given: str
    size: int
    mtime_ns: int
    facts: Facts = Facts()
    at: str | None = None

    @property
    def where(self) -> str:
        return self.path if self.at is None else self.at


THUMBNAIL = 48  # pixels a side


@dataclass(frozen=True, eq=False)
class Picture:
    """One upright RGB picture. `pixels` has shape (h, w, 3), uint8, and may have been decoded at a
    reduced scale; `width` and `height` are those of the full upright picture.

    `page` counts from 1 in multi-page files (TIFF, PDF) and multi-frame DICOM, else None; `item`
    counts the pictures embedded in one PDF page, else None. `metadata` is technical only: no
    patient tag ever enters it. `thumbnail` is the whole picture in THUMBNAIL x THUMBNAIL grey
    bytes, row by row, by which near copies are told; empty where none was made.
    """

    pixels: Pixels
    width: int
    height: int
    format: str
    page: int | None = None
    item: int | None = None
    metadata: Mapping[str, Attribute] = field(default_factory=dict)
    thumbnail: bytes = b""


# --- encoding ---------------------------------------------------------------------------------


@runtime_checkable
class Encoder(Protocol):
    """Turns pictures and sentences into unit vectors of one common space.

    `fingerprint` is a sha256 over weights, architecture, decode recipe, preprocessing and
    tokenizer; vectors of different fingerprints must never meet. `logit_scale` multiplies cosines
    before the softmax. `engine` and `precision` are noted on each verdict; `notes` are sentences
    for the user. `framing` makes a picture's pixels the size that the model sees, (height, width,
    3); it can be pickled, and framing early does not change a vector.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def logit_scale(self) -> float: ...
    @property
    def image_size(self) -> int: ...
    @property
    def framing(self) -> Callable[[Pixels], Pixels]: ...
    @property
    def engine(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    def encode_pictures(self, pictures: Sequence[Picture]) -> Vectors: ...
    def encode_texts(self, texts: Sequence[str]) -> Vectors: ...


# --- prompts ----------------------------------------------------------------------------------

Pooling = Literal["groups", "mean", "prompts"]


@dataclass(frozen=True)
class PromptGroup:
    """One kind of picture inside a class (chest X-ray, fundus, …), in several sentences."""

    name: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class PromptClass:
    name: str
    groups: tuple[PromptGroup, ...]


@dataclass(frozen=True)
class PromptSet:
    """Classes in words. `source` is the TOML text it was read from, `sha256` that text's hash."""

    name: str
    pooling: Pooling
    classes: tuple[PromptClass, ...]
    source: str
    sha256: str
    description: str = ""

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.classes)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every sentence, in order of class, group and prompt; the rows of the text vectors."""
        return tuple(p for c in self.classes for g in c.groups for p in g.prompts)


# --- neighbours -------------------------------------------------------------------------------

IndexType = Literal["auto", "exact", "compressed"]  # auto: by size


@dataclass(frozen=True)
class NeighbourFile:
    """What the catalog keeps of a FAISS file of its vectors, so that no other file is trusted.

    It holds the vectors written after transaction `since_tx` and up to `through_tx`. recall: share
    of the ten true neighbours found, measured when it was made; None where it is exact.
    """

    generation: int
    file: str
    kind: str
    fingerprint: str
    count: int
    through_tx: int
    sha256: str
    size: int
    mtime_ns: int
    inode: int
    since_tx: int = 0
    recall: float | None = None


# --- progress ---------------------------------------------------------------------------------


class Progress(Protocol):
    """Told of work as it is done; `total` may be unknown (None)."""

    def start(self, what: str, total: int | None) -> None: ...
    def advance(self, count: int) -> None: ...
    def finish(self) -> None: ...


class Silent:
    """A Progress that says nothing."""

    def start(self, what: str, total: int | None) -> None:
        return None

    def advance(self, count: int) -> None:
        return None

    def finish(self) -> None:
        return None
