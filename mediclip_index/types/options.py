"""Options that travel whole: a frozen dataclass a verb, declared once, passed as one value.

The command line makes its options from these fields, and Python's keywords are their names:
`index.build("photos/", workers=4)` is `BuildOptions(workers=4)`. What is out of bounds is refused
with the same sentence in both.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from mediclip_index.types.errors import UsageError
from mediclip_index.types.verdicts import MOST_NEIGHBOURS, Settings
from mediclip_index.types.words import IndexType

Frames = Literal["first", "all"]
Pdf = Literal["images", "pages"]
Truncated = Literal["refuse", "show"]


def option(default: Any, help: str, **declared: Any) -> Any:
    """A field that is an option of the command too. declared: `flag` where it is not the name with
    dashes, `metavar`, `show_default`, and the bounds `least` and `most`."""
    metadata = {"help": help, **declared}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def inside(options: type) -> Any:
    """A field of options that several verbs share."""
    return field(default_factory=options, metadata={"inside": options})


class Options:
    """What the option classes have in common."""

    def __post_init__(self) -> None:
        own: Any = type(self)
        kinds = _types_of(own)
        for one in dataclasses.fields(self):  # type: ignore[arg-type]  # all of them are
            value, bounds = getattr(self, one.name), one.metadata
            choices = choices_of(kinds[one.name])
            if not _is_of(value, kinds[one.name], choices):
                raise UsageError(f"{one.name} is {value!r}, which is no value for it.")
            if choices and isinstance(value, str) and value not in choices:
                what = one.name.replace("_", " ")
                raise UsageError(f"There is no {what} {value}; give one of {', '.join(choices)}.")
            least, most = bounds.get("least"), bounds.get("most")
            if value is not None and least is not None and not least <= value <= (most or value):
                to = f"from {least} to {most}" if most else f"of at least {least}"
                raise UsageError(f"{one.name} is {value}; give a number {to}.")

    @classmethod
    def changed(cls, given: Self | None = None, /, **names: Any) -> Self:
        """`given`, or the defaults, with what is named changed: by the flat names of all fields,
        those of options inside included. Raises TypeError for a name that there is not."""
        given = cls() if given is None else given
        changes: dict[str, Any] = {}
        for one in dataclasses.fields(cls):  # type: ignore[arg-type]
            kind = one.metadata.get("inside")
            if kind is None and one.name in names:
                value = names.pop(one.name)
                changes[one.name] = in_sequence(value) if isinstance(one.default, tuple) else value
            elif kind is not None:
                own = {n: names.pop(n) for n in [f.name for f in flat_fields(kind)] if n in names}
                if own:
                    changes[one.name] = kind.changed(getattr(given, one.name), **own)
        if names:
            verb = cls.__name__.removesuffix("Options").lower()
            raise TypeError(f"{verb} has no option {min(names)!r}")
        return dataclasses.replace(given, **changes)  # type: ignore[type-var]


@cache
def _types_of(options: type) -> dict[str, Any]:
    # Options are made for every picture that is read; their types are looked up once.
    return get_type_hints(options)


def _is_of(value: Any, kind: Any, choices: tuple[str, ...]) -> bool:
    """Whether a value is of the type of its field, as far as plain types go."""
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if value is None:
        return type(None) in parts
    if isinstance(value, float) and not math.isfinite(value):
        return False
    plain = tuple(part for part in parts if part in (bool, int, float, str))
    if choices and not isinstance(value, tuple):
        return isinstance(value, str)
    if not plain or isinstance(value, tuple):
        return True
    if isinstance(value, bool):
        return bool in plain
    return isinstance(value, (*plain, int) if float in plain else plain)


def flat_fields(options: type) -> Iterator[dataclasses.Field[Any]]:
    """The fields of options, those of options inside in their place."""
    for one in dataclasses.fields(options):
        if "inside" in one.metadata:
            yield from flat_fields(one.metadata["inside"])
        else:
            yield one


def in_sequence(values: Any) -> tuple[Any, ...]:
    """Values that may be given as a single one: a text or a path is one, not its letters."""
    alone = isinstance(values, (str, int, os.PathLike)) or not isinstance(values, Iterable)
    return (values,) if alone else tuple(values)


def choices_of(kind: Any) -> tuple[str, ...]:
    """The values of a Literal, or of one that may be None; () for other types."""
    parts = (kind, *get_args(kind))
    return next((get_args(part) for part in parts if get_origin(part) is Literal), ())


@dataclass(frozen=True, kw_only=True)
class ReadOptions(Options):
    """How files become pictures."""

    frames: Frames = option(
        "first", "For a DICOM file with several frames: one representative frame, or all."
    )
    pdf: Pdf = option("images", "For a PDF: its figures, or whole pages.")
    truncated: Truncated = option(
        "refuse", "For an incomplete JPEG, PNG, GIF or BMP: refuse it, or use what is there."
    )


@dataclass(frozen=True, kw_only=True)
class ScanOptions(Options):
    """Which files of a folder or archive are looked at.

    Patterns are as of `.gitignore`'s simple kind (`*.png`, `thumbs/`, `**/raw/*`), matched against
    the path below the source and each of its parts; a file is taken where it is included (or
    nothing is) and not excluded.
    """

    exclude: tuple[str, ...] = option(
        (), "Skip these files and folders; patterns as in .gitignore: 'thumbs/', '*_mask.png' "
        "(repeatable).",
        metavar="PATTERN",
    )  # fmt: skip
    include: tuple[str, ...] = option(
        (), "In folders and archives, take only these files; patterns as in .gitignore "
        "(repeatable).",
        metavar="PATTERN",
    )  # fmt: skip
    follow_links: bool = option(False, "Follow links that lead out of a folder.")


@dataclass(frozen=True, kw_only=True)
class WhatIf(Options):
    """What is to stand in for the settings in force, and is answered uncalibrated. None: nothing;
    references: False leaves out the model's. alpha: 1 is neighbours alone, whatever they are."""

    k: int | None = option(None, "How many labelled neighbours vote.", flag="-k")
    alpha: float | None = option(
        None, "Weight of the neighbours: 0 is words alone, 1 is neighbours alone."
    )
    references: bool = option(
        True, "Leave out the labelled vectors that come with the model.", flag="--no-references"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha is not None and not 0 <= self.alpha <= 1:
            raise UsageError(
                f"alpha is {self.alpha:g}; give a number from 0 (words) to 1 (neighbours)."
            )
        if self.k is not None and not 1 <= self.k <= MOST_NEIGHBOURS:
            raise UsageError(
                f"k is {self.k}; give a number of neighbours from 1 to {MOST_NEIGHBOURS}."
            )

    def of(self, settings: Settings) -> Settings:
        """The settings with what is asked otherwise."""
        if self == WhatIf():
            return settings
        return replace(
            settings,
            k=settings.k if self.k is None else self.k,
            alpha=settings.alpha if self.alpha is None else self.alpha,
            references=settings.references and self.references,
            calibration=None,
        )


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Options):
    """What a model runs on. device: auto, cpu, cuda, cuda:N or mps; engine: auto, torch or
    openvino; precision: auto (fp32, or bf16 where it answers the same), fp32, bf16 or int8."""

    device: str = "auto"
    engine: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True, kw_only=True)
class WeightsSource:
    """Where fetched weights are kept (None: the hub's own cache); offline: nothing is fetched."""

    cache_dir: Path | None = None
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class CreateOptions(Options):
    """What a new index is made with; a model or prompts of None stand for auto and medical."""

    running: ModelOptions = inside(ModelOptions)
    model: str | None = option(
        None, "For a new index: lite, ARCH:TAG, ARCH:FILE, hf-hub:NAME, local-dir:DIR or auto.",
        metavar="M",
    )  # fmt: skip
    prompts: str | None = option(
        None, "For a new index: medical, mediclip or a TOML file.", metavar="SET"
    )
    hash_paths: bool = option(
        False,
        "For a new index: store salted hashes instead of paths, since paths can hold patients' "
        "names. This can't be undone, and --copy-to and `build` without SOURCE don't work then. "
        "Columns of a CSV are stored as they are.",
    )


@dataclass(frozen=True, kw_only=True)
class BuildOptions(Options):
    """How pictures are added to an index."""

    labels: str = option(
        "auto", "Labels from folder names, none, or from a CSV list.", metavar="auto|none|FILE.csv"
    )
    read: ReadOptions = inside(ReadOptions)
    scan: ScanOptions = inside(ScanOptions)
    rehash: bool = option(False, "Read files again even if they seem unchanged.")
    allow_missing: bool = option(False, "Accept that missing files were deleted.")
    prune: bool = option(
        False, "Remove images whose files are gone; they don't come back if the file does."
    )
    reread: bool = option(False, "Read again the files that an earlier version read differently.")
    thumbnails: bool = option(
        False, "Make the thumbnails that `duplicates` needs, for images of an earlier version."
    )
    batch_size: int = option(32, "Pictures per batch.", least=1, most=4096)
    index_type: IndexType | None = option(
        None, "How neighbours are searched from now on: exact compares all, compressed is for "
        "large indexes, auto chooses by size.",
    )  # fmt: skip
    workers: int | None = option(
        None, "Processes that read and decode files.", least=1, most=256, metavar="N",
        show_default="one a core",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class QueryOptions(Options):
    """How pictures are classified. prompts: another set, known to the index, bundled, or a file."""

    what_if: WhatIf = inside(WhatIf)
    prompts: str | None = option(
        None, "Classify with another prompt set or TOML file.", metavar="SET"
    )
    as_of: str | None = option(
        None, "Answer as the index stood then, as in 2026-01-31.", metavar="TIME"
    )
    audit: bool = option(True, "Keep no record of these verdicts.", flag="--no-audit")
    read: ReadOptions = inside(ReadOptions)
    scan: ScanOptions = inside(ScanOptions)


@dataclass(frozen=True, kw_only=True)
class SearchQuery(Options):
    """What is searched for: a weighted mix of texts, picture files and indexed images.

    A text or file may carry a weight, `TEXT::0.5`; `without` is subtracted. With nothing but
    `where` and `kinds`, the first `k` that match, or all (None), in order of id.
    """

    text: tuple[str, ...] = ()
    images: tuple[str, ...] = option((), "Like this picture.", flag="--image", metavar="FILE")
    like: tuple[int, ...] = ()
    without: tuple[str, ...] = option((), "Unlike this text.", flag="--not", metavar="TEXT")
    where: str | None = option(
        None, "Only images that meet a condition (see `info`).", metavar="SQL"
    )
    k: int | None = 10
    min_similarity: float | None = option(
        None, "Show only results with at least this cosine similarity.", metavar="S"
    )
    kinds: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether there is anything to be like or unlike."""
        return bool(self.text or self.images or self.like or self.without)


@dataclass(frozen=True, kw_only=True)
class TuneOptions(Options):
    """How settings are fitted. `leave_sources_out` None: where two or more sources are known;
    `references` None: as it is."""

    prompts: str | None = option(None, "Tune for another prompt set or TOML file.", metavar="SET")
    objective: str = option(
        "log-loss", "What to optimise: log-loss, accuracy, f1 or recall-CLASS@precision=SHARE.",
        flag="--optimise", metavar="WHAT",
    )  # fmt: skip
    coverage: float = option(
        0.95, "How often the classes that are not ruled out must include the true one."
    )
    prevalence: Mapping[str, float] = option(
        {}, "How frequent a class is in the pictures to be classified (repeatable).",
        metavar="CLASS=SHARE",
    )  # fmt: skip
    leave_sources_out: bool | None = option(
        None, "Judge each image without its own source (default: where two sources are known).",
        flag="--leave-sources-out/--with-sources",
    )  # fmt: skip
    allow_duplicates: bool = option(False, "Tune though splits share near-duplicates.")
    allow_shared_subjects: bool = option(False, "Tune though splits share subjects.")
    references: bool | None = option(
        None, "Let the labelled vectors that the model brings along vote, or not (default: as it "
        "is).",
        flag="--references/--no-references",
    )  # fmt: skip
    dry_run: bool = option(False, "Show what would be chosen, but save nothing.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.5 <= self.coverage < 1:
            raise UsageError(
                f"A coverage of {self.coverage:g} can't be held; choose from 0.5 to 0.999."
            )


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(Options):
    """What is measured, on which split."""

    split: str = option("test", "Split to evaluate on; all for all of them.")
    prompts: str | None = option(None, "With another prompt set or TOML file.", metavar="SET")
    leave_out: tuple[Literal["source", "category", "subject", "split"], ...] = option(
        (), "Leave out voters that share this with the image (repeatable).", metavar="COLUMN"
    )
    what_if: WhatIf = inside(WhatIf)
    allow_shared_subjects: bool = option(False, "Evaluate though splits share subjects.")


@dataclass(frozen=True, kw_only=True)
class AuditFilter(Options):
    """Which past verdicts are listed. `path` is any part of the path, `run` (the verdicts of one
    command) the beginning of its id."""

    limit: int | None = option(20, "How many.", least=1)
    label: str | None = option(None, "Only verdicts of this class.", metavar="CLASS")
    unsure: bool | None = option(
        None, "Only unsure verdicts, or only sure ones.", flag="--unsure/--sure"
    )
    path: str | None = option(None, "Only pictures with PART in their path.", metavar="PART")
    run: str | None = option(None, "Only the verdicts of one run, by its id.", metavar="ID")
    since: str | None = option(None, "Only verdicts given since, as in 2026-01-31.", metavar="TIME")
    until: str | None = option(None, "Only verdicts given until then.", metavar="TIME")


@dataclass(frozen=True, kw_only=True)
class ImportOptions(Options):
    """How a list of labels is taken.

    machine_labels: the machine's own classes too (`guess` where label is empty, and lists whose
    labels are its own). all_pages: a path with several pictures labels all of them, else none.
    keep_columns: columns that are not known become attributes.
    """

    machine_labels: bool = False
    all_pages: bool = False
    keep_columns: bool = False
