"""Labels that people wrote into lists → the index, by image or by path with page and item.

What the machine said is no label: a list whose labels are its own is refused unless asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mediclip_index import reading
from mediclip_index.catalog import images, labels
from mediclip_index.jobs.columns import judged
from mediclip_index.jobs.label import NOTHING, at_odds, check_labels, in_classes, with_kind
from mediclip_index.jobs.lookup import Place, absolute, pictures_of
from mediclip_index.jobs.turned import with_turned
from mediclip_index.reading import FILLED_IN, ListRow
from mediclip_index.session.kinds import classes_by_kind, named_kind, prompt_set
from mediclip_index.session.names import Names
from mediclip_index.session.session import Session
from mediclip_index.session.snapshot import open_snapshot
from mediclip_index.show.text import counted
from mediclip_index.types import Facts, ImportOptions, LabelReport, PromptSet, UsageError

_KNOWN = {"path", "label", "split", "subject", "page", "item", *FILLED_IN}
_OF_VERDICTS = {"probability", "unsure", "why"}
_JUDGED = {"verdict", "effective", "unsure"}  # beside one of these, `kind` is the machine's
_ONCE = ("label", "kind", "split", "subject")  # what a list may say once of a picture
_NAMED = 200  # letters of column names that a note shows


def import_labels(session: Session, file: Path, options: ImportOptions) -> LabelReport:
    """See Index.import_labels."""
    rows = _rows(file, options)
    columns = set().union(*(row.cells for row in rows))
    chosen = prompt_set(session)
    kinds = {} if columns & _JUDGED else _kinds(chosen, rows, file)
    facts = [
        replace(in_classes(_facts(row, options), chosen.class_names), kind=kinds.get(row.line))
        for row in rows
    ]
    check_labels(session, (label for one in facts for label in one.labels()))
    names = session.names
    with session.catalog.reading() as read:
        if {row.cells.get("index_id") for row in rows} - {None, "", read.index_id()}:
            raise UsageError(
                f"{file} was written of another index, whose ids mean other pictures: name that "
                "index with --index, or leave the columns image and index_id out. Nothing was "
                "changed."
            )
        ids = [image for row in rows if (image := _image(row, file)) is not None]
        said = _Said(
            file=file,
            names=names,
            known={i: one.sha256 for i, one in images.images(read, ids).items()},
            places=pictures_of(read, names, {row.path for row in rows if row.path}),
            all_pages=options.all_pages,
            current={i: one.label for i, one in labels.current_labels(read).items()},
        )
        # Whole files first: what is said of a page or item counts before it.
        for row, one in sorted(zip(rows, facts, strict=True), key=lambda pair: _depth(pair[0])):
            said.add(row, one)
        said.check_index(rows)
    _check_for_verdicts(session, file, columns, said.by_image, options)
    with session.catalog.writing("label import", by=session.author) as write:
        there = images.images(write, list(said.by_image))
        now, of_kind = labels.current_labels(write, there), classes_by_kind(chosen)
        changed = labels.say(
            write,
            {
                i: with_kind(i, one, now.get(i, NOTHING), of_kind)
                for i, one in said.by_image.items()
                if i in there
            },
        )
    by_path = [row for row in rows if row.path and _image(row, file) is None]
    _, odd = reading.together(by_path, file)
    with session.catalog.reading() as read:
        report = LabelReport(
            session.facts(read),
            changed,
            len(said.by_image) - changed,
            (*said.missing, *said.lost),
            (
                *(names.note(note, str(file)) for note in odd),
                *_notes(columns, rows, options),
                *(_note_on_kinds(chosen, rows) if columns & _JUDGED else ()),
                *at_odds(read, said.by_path),
            ),
            several=tuple(said.several),
        )
    return with_turned(session, report, said.by_image)


@dataclass
class _Said:
    """What rows say of images, and what they say of none: `missing` paths and ids, `lost` pages,
    and paths with `several` pictures. known: the contents of
    the images named by id that the index has; current: what is
    said of images now; places: what lies under the paths named."""

    file: Path
    names: Names
    known: Mapping[int, str]
    places: Mapping[str, Sequence[Place]]
    all_pages: bool
    current: Mapping[int, str | None]
    by_image: dict[int, Facts] = field(default_factory=dict)
    by_path: dict[str, Facts] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    lost: list[str] = field(default_factory=list)
    several: list[str] = field(default_factory=list)
    said_at: dict[tuple[int, int], tuple[int, Facts]] = field(default_factory=dict)

    def add(self, row: ListRow, facts: Facts) -> None:
        """Take one row in; UsageError where its image is not the one at its path."""
        if facts == Facts() and set(FILLED_IN) & set(row.cells):
            return  # nobody filled it in
        image = _image(row, self.file)
        name = self.names.of(absolute(row.path)) if row.path else ""
        places = self.places.get(row.path, ())
        if image is not None:
            if places and image not in {i for i, _, _ in places}:
                raise UsageError(
                    f"{self.file}, line {row.line}: image {image} is not the picture at this row's "
                    "path, so the list may be of another index; without its column image it goes "
                    "by path. Nothing was changed."
                )
            if image not in self.known:
                self.missing[f"#{image}"] = None
                return
            if row.cells.get("sha256") not in (None, "", self.known[image]):
                raise UsageError(
                    f"{self.file}, line {row.line}: image {image} of this index has another "
                    "content (sha256), so the list is of another index, or of before a change. "
                    "Nothing was changed."
                )
            if "guess" in row.cells and facts.label == self.current.get(image):
                facts = replace(facts, label=None)  # as the list was written: nobody's new word
            self._say([image], facts, row)
            return
        if not places:
            self.missing[name] = None
            return
        meant = [place for place in places if _is_meant(row, place)]
        if not meant:
            part = f"page {row.page}" + (f", item {row.item}" if row.item else "")
            self.lost.append(f"{name} ({part})")
            return
        if len(meant) > 1 and (facts.label or facts.kind) and not self.all_pages:
            page = f", page {row.page}" if row.page else ""
            self.several.append(f"{name}{page} ({len(meant)} pictures)")
            facts = replace(facts, label=None, kind=None)
        if row.page is None and row.item is None:
            self.by_path[name] = facts
        self._say([i for i, _, _ in meant], facts, row)

    def check_index(self, rows: Sequence[ListRow]) -> None:
        """UsageError where ids stand beside paths of which the index knows none."""
        beside = [row for row in rows if row.path and _image(row, self.file) is not None]
        if beside and not any(self.places.get(row.path) for row in beside):
            raise UsageError(
                f"{self.file}: none of its paths is in this index, so its ids are of another one; "
                "name that with --index, or leave the column path out. Nothing was changed."
            )

    def _say(self, ids: Iterable[int], facts: Facts, row: ListRow) -> None:
        for i in ids:
            self._check_row(i, facts, row)
            before = self.by_image.get(i, Facts())
            self.by_image[i] = replace(
                before,
                **{
                    name: getattr(facts, name)
                    for name in labels.FIELDS
                    if getattr(facts, name) is not None
                },
                attributes={**before.attributes, **facts.attributes},
            )

    def _check_row(self, image: int, facts: Facts, row: ListRow) -> None:
        """UsageError where two rows of one depth say different things of one image."""
        line, before = self.said_at.setdefault((image, _depth(row)), (row.line, Facts()))
        for what in _ONCE:
            one, other = getattr(before, what), getattr(facts, what)
            if one and other and one != other:
                raise UsageError(
                    f"{self.file}: lines {line} and {row.line} name one picture (#{image}) and say "
                    f"that its {what} is {one} and {other}; keep the row that is right. Nothing "
                    "was changed."
                )
        said = {n: getattr(facts, n) for n in _ONCE if getattr(facts, n)}
        self.said_at[image, _depth(row)] = (row.line if said else line, replace(before, **said))


def _kinds(chosen: PromptSet, rows: Sequence[ListRow], file: Path) -> dict[int, str]:
    """The kinds that rows say, by line, as the prompt set calls them."""
    found: dict[int, str] = {}
    for row in rows:
        if said := row.cells.get("kind"):
            try:
                found[row.line] = named_kind(chosen, said)
            except UsageError as error:
                raise UsageError(f"{file}, line {row.line}: {error}") from None
    return found


def _rows(file: Path, options: ImportOptions) -> list[ListRow]:
    """The rows of a list; of JSON only where the machine's labels are asked for."""
    if not _is_json(file):
        return list(reading.label_rows(str(file), filled_in=True))
    if not options.machine_labels:
        raise UsageError(
            f"{file} is JSON, in which `label` is the machine's own class: `--format csv` writes a "
            "list with a column label for people to fill in; --machine-labels imports the "
            "machine's all the same."
        )
    return list(_of_json(file))


def _is_json(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(64).lstrip()[:1] in (b"{", b"[")
    except OSError:
        return False  # whoever reads it says why


def _of_json(file: Path) -> Iterator[ListRow]:
    text = file.read_text("utf-8", errors="replace")
    try:
        try:
            data = json.loads(text)
        except ValueError:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise UsageError(f"{file} is no JSON that can be read.") from None
    if isinstance(data, dict):
        data = data.get("verdicts", data.get("next", [data]))
    for number, one in enumerate(data, 1):
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            raise UsageError(f"{file} holds no verdicts: entry {number} has no path.")
        cells = {n: str(one[n]) for n in ("path", "label", "image") if one.get(n) is not None}
        path = os.path.normpath(os.path.join(os.path.abspath(file.parent), one["path"]))
        facts = Facts(label=cells.get("label"))
        yield ListRow(path, facts, number, one.get("page"), one.get("item"), cells)


def _facts(row: ListRow, options: ImportOptions) -> Facts:
    label = row.facts.label
    if options.machine_labels:
        label = label or row.cells.get("guess")
    further = {n: v for n, v in row.facts.attributes.items() if n not in _KNOWN}
    return replace(row.facts, label=label, attributes=further if options.keep_columns else {})


def _image(row: ListRow, file: Path) -> int | None:
    """The id that a row goes by: that of its column image, or of `id` where it has no path."""
    image = row.number("image", file)
    return image if image is not None or row.path else row.number("id", file)


def _depth(row: ListRow) -> int:
    return (row.page is not None) + (row.item is not None)


def _is_meant(row: ListRow, place: Place) -> bool:
    _, page, item = place
    return row.page in (None, page or 1) and row.item in (None, item)


def _check_for_verdicts(
    session: Session,
    file: Path,
    columns: set[str],
    said: Mapping[int, Facts],
    options: ImportOptions,
) -> None:
    """UsageError where the labels of a list are the machine's."""
    if options.machine_labels or "label" not in columns or {"guess", "predicted"} & columns:
        return
    own = _OF_VERDICTS & columns
    if "verdict" in columns:  # an export, whose label is what people and sources said
        return
    listed = ("probability" in own and len(own) > 1) or bool({"now", "now_probability"} & columns)
    if not listed and own:
        labelled = {i: one.label for i, one in said.items() if one.label}
        base = open_snapshot(session)
        found = judged(session, base, np.array(sorted(labelled), dtype=np.int64))
        guesses = zip(found.columns.ids.tolist(), found.columns.guess.tolist(), strict=True)
        listed = bool(labelled) and all(labelled[i] == guess for i, guess in guesses)
    if listed:
        raise UsageError(
            f"{file} is a list of verdicts, and what the model said is no label: keep the columns "
            "path and label of the rows that a person has checked, or say --machine-labels to "
            "import the machine's all the same."
        )


def _note_on_kinds(chosen: PromptSet, rows: Sequence[ListRow]) -> Iterator[str]:
    """That kinds were passed over which a person may have written into a list of verdicts."""
    # Beside the machine's own kind (group.name) one can tell which were written anew.
    said = [
        row.cells["kind"]
        for row in rows
        if row.cells.get("kind")
        and not row.cells.get("labelled_by")
        and row.cells["kind"] != row.cells.get("group.name")
    ]
    if not said:
        return
    known = {reading.plain(kind) for kind in classes_by_kind(chosen)}
    strange = sorted({kind for kind in said if reading.plain(kind) not in known})
    named = ", ".join(map(repr, strange))
    named = named if len(named) <= _NAMED else named[:_NAMED] + ", …"
    is_none = "is no kind" if len(strange) == 1 else "are no kinds"
    yield (
        f"The column kind was passed over ({counted(len(said), 'row')}), since in a list of "
        "verdicts kind is the machine's: a list with image,label,kind takes it."
        + (f" {named} {is_none}." if strange else "")
    )


def _notes(columns: set[str], rows: Sequence[ListRow], options: ImportOptions) -> Iterator[str]:
    passed = sorted(columns - _KNOWN)
    if passed and not options.keep_columns:
        named = ", ".join(passed)
        named = named if len(named) <= _NAMED else named[:_NAMED] + ", …"
        yield (
            f"{counted(len(passed), 'column was', 'columns were')} passed over ({named}); "
            "--keep-columns keeps them as attributes."
        )
    if rows and all(row.facts.label and row.facts.label == row.cells.get("guess") for row in rows):
        yield f"{counted(len(rows), 'label')}, all of them as the machine guessed."
