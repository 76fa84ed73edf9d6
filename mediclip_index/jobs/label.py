"""What people say of images: labels by id, labels by path, and their history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mediclip_index import reading
from mediclip_index.catalog import ReadTransaction, images, labels
from mediclip_index.jobs.turned import with_turned
from mediclip_index.session.kinds import classes_by_kind, named_kind, prompt_set, prompt_set_in
from mediclip_index.session.session import Session
from mediclip_index.types import Facts, LabelEvent, LabelReport, UsageError

NOTHING = labels.CurrentLabels()
_SHOWN = 5  # ids that a note names


def set_label(
    session: Session,
    label: str | None,
    ids: Sequence[int],
    *,
    split: str | None,
    subject: str | None,
    kind: str | None = None,
    count_turned: bool = True,
) -> LabelReport:
    """See Labels.set."""
    if label is None and split is None and subject is None and kind is None:
        raise UsageError("Say what to set: a class, --kind, --split or --subject.")
    if not ids:
        raise UsageError("Name the images by id; `mediclip-index search` shows ids.")
    for what, value in (("class", label), ("split", split), ("subject", subject), ("kind", kind)):
        if value is not None and not _is_text(value):
            raise UsageError(f"The {what} is no UTF-8; write it in letters that are.")
    with session.catalog.writing("label set", by=session.author) as write:
        chosen = prompt_set_in(write)
        kind = named_kind(chosen, kind) if kind else kind
        said = Facts(label=label, split=split, subject=subject, kind=kind)
        said = in_classes(said, chosen.class_names)
        check_classes(said.labels(), chosen.class_names)
        missing = set(ids) - set(images.images(write, ids))
        if missing:
            raise UsageError(
                f"There is no image {min(missing)} in this index; nothing was changed."
            )
        now = labels.current_labels(write, ids)
        facts = {i: with_kind(i, said, now.get(i, NOTHING), classes_by_kind(chosen)) for i in ids}
        changed = labels.say(write, facts)
        tx = write.tx if labels.said_in(write, write.tx) else None
        report = LabelReport(session.facts(write), changed, len(facts) - changed, tx=tx)
    report = replace(report, notes=tuple(_notes_on_kinds(said, facts, now)))
    return with_turned(session, report, ids) if count_turned else report


def undo(session: Session, tx: int) -> LabelReport:
    """See Labels.undo."""
    with session.catalog.writing("label undo", by=session.author) as write:
        said = labels.said_in(write, tx)
        if not said:
            raise UsageError(f"Nothing was labelled in transaction {tx}, or not by hand.")
        last = labels.last_said(write, said)
        mine = {image: fields for image, fields in said.items() if last[image] == tx}
        before = labels.current_labels(write.as_of(tx - 1), mine)
        by_hand = labels.last_by_person(write.as_of(tx - 1), mine)
        rows = {image: _back(fields, before.get(image, NOTHING)) for image, fields in mine.items()}
        labels.write_rows(write, [{"image": i, **rows[i]} for i in rows if i in by_hand])
        undone, facts = write.tx, session.facts(write)
    of_sources = [i for i in rows if i not in by_hand]
    if of_sources:
        # What no person had said before is a source's word again, or nobody's.
        with session.catalog.writing("build (label undone)", by=session.author) as write:
            last = labels.last_said(write, of_sources)
            still = [i for i in of_sources if last[i] == tx]
            labels.write_rows(write, [{"image": i, **rows[i]} for i in still])
            mine = {i: mine[i] for i in mine if i in by_hand or i in still}
            undone, facts = write.tx, session.facts(write)
    later = sorted(set(said) - set(mine))
    notes = (
        (f"{_named(later)} left as labelled, since something else was said of it later.",)
        if later
        else ()
    )
    return LabelReport(facts, len(mine), len(later), notes=notes, tx=undone)


def _back(fields: Sequence[str], before: labels.CurrentLabels) -> dict[str, str | None]:
    """The row by which these fields are what they were."""
    return {f: (getattr(before, f) or "") if f in fields else None for f in labels.FIELDS}


def _notes_on_kinds(
    said: Facts, facts: Mapping[int, Facts], now: Mapping[int, labels.CurrentLabels]
) -> Iterator[str]:
    """What a kind that was set, or taken away, does or does not do to the class."""
    if said.label is not None:
        return
    also = [i for i, one in facts.items() if one.label and one.label != now.get(i, NOTHING).label]
    if said.kind and also:
        named = _named(also)
        yield f"{named} also labelled {facts[also[0]].label}, since {said.kind} is a kind of it."
    stay = [i for i in facts if said.kind == "" and now.get(i, NOTHING).label]
    if stay:
        label = now[stay[0]].label
        ids = " ".join(map(str, stay[:_SHOWN])) + (" …" if len(stay) > _SHOWN else "")
        one = len({now[i].label for i in stay}) == 1
        yield (
            f"{_named(stay)} still labelled{f' {label}' if one else ''}: `mediclip-index label set "
            f"--clear {ids}` takes the class away too."
        )


def _named(ids: Sequence[int]) -> str:
    if len(ids) <= _SHOWN:
        return ", ".join(f"#{i}" for i in ids) + (" is" if len(ids) == 1 else " are")
    return f"{len(ids)} images are"


def with_kind(
    image: int, said: Facts, now: labels.CurrentLabels, classes: Mapping[str, Sequence[str]]
) -> Facts:
    """What is said of one image, with class and kind fitting together: a kind says the class too
    where none is known, and a class of another kind, or none, takes the kind away.

    UsageError where the image has another class than the kind is of.
    """
    if said.kind:
        possible = classes[said.kind]
        label = said.label or (now.label if said.label is None else None)
        if label is not None and label not in possible:
            raise UsageError(
                f"Image {image} is labelled {label}, and {said.kind} is a kind of {possible[0]}: "
                f"say both, as in `mediclip-index label set {possible[0]} --kind {said.kind} "
                f"{image}`."
                if said.label is None
                else f"{said.kind} is a kind of {possible[0]}, not of {label}; nothing was changed."
            )
        return replace(said, label=label or possible[0])
    if said.label is not None and now.kind and said.label not in classes.get(now.kind, ()):
        return replace(said, kind="")
    return said


def _is_text(value: str) -> bool:
    """Whether a word from the command line came through whole."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def in_classes(facts: Facts, classes: Sequence[str]) -> Facts:
    """What is said, by the names of the classes: `Non-Medical` is `non_medical`."""
    named = {reading.plain(name): name for name in classes}

    def one(said: Facts) -> Facts:
        label = said.label
        return replace(
            said,
            label=named.get(reading.plain(label), label) if label else label,
            parts=tuple((page, item, one(more)) for page, item, more in said.parts),
        )

    return one(facts)


def at_odds(read: ReadTransaction, said: Mapping[str, Facts]) -> list[str]:
    """Notes on files of one content of which different things were said: an image has one class
    and one split, so of what the folders or the list say by path only one can be taken."""
    notes = []
    shared = images.shared(read) if said else []
    for what, many in (("label", "classes"), ("split", "splits")):
        odd = []
        for paths in shared:
            given = {getattr(said[path], what): path for path in paths if path in said}
            given.pop(None, None)
            given.pop("", None)
            if len(given) > 1:
                odd.append(sorted(given.values()))
        if odd:
            images_are = "1 image is" if len(odd) == 1 else f"{len(odd)} images are"
            notes.append(
                f"{images_are} said to be of several {many}, as one content lies in several files "
                f"({odd[0][0]} and {odd[0][1]}); one of them was taken: `mediclip-index label set` "
                "says which."
            )
    return notes


def label_history(session: Session, image: int) -> list[LabelEvent]:
    with session.catalog.reading() as read:
        if not images.images(read, [image]):
            raise UsageError(f"There is no image {image} in this index.")
        return labels.history(read, image)


def path_of(session: Session, image: int) -> str:
    with session.catalog.reading() as read:
        found = images.images(read, [image])
    if not found:
        raise UsageError(f"There is no image {image} in this index.")
    return found[image].path


def classes_of(session: Session) -> tuple[str, ...]:
    """The classes of the prompt set in force."""
    return prompt_set(session).class_names


def check_labels(session: Session, said: Iterable[str]) -> None:
    """UsageError where a label is no class of the prompt set in force."""
    check_classes(said, classes_of(session))


def check_classes(said: Iterable[str], classes: Sequence[str]) -> None:
    """UsageError where a label is none of these classes."""
    strange = sorted(set(said) - set(classes))
    if strange:
        raise UsageError(
            f"{strange[0]!r} is no class of this index; the classes are {', '.join(classes)}. "
            "A class can be added by words: `mediclip-index prompts add FILE.toml`."
        )
