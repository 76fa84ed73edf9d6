"""Sources → plans: what lies in each, under the names that the index gives it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mediclip_index import reading
from mediclip_index.catalog import exports, provenance
from mediclip_index.jobs.label import classes_of, in_classes
from mediclip_index.session.session import Session
from mediclip_index.types import BuildOptions, Entry, ReadOptions, Refusal, ScanOptions, UsageError

SAMPLES = "samples:"
KEPT = "kept"  # in the index folder, which is passed over otherwise


@dataclass(frozen=True)
class Plan:
    """One source, scanned: what lies there, and how it is to be read. `closed`: in how many folders
    and archives nobody could look."""

    source: str
    labels: str
    read: ReadOptions
    scan: ScanOptions
    entries: tuple[Entry, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]
    closed: int = 0


def plans(
    session: Session,
    sources: Sequence[str],
    before: Sequence[provenance.Source],
    notes: list[str],
    options: BuildOptions,
) -> Iterator[Plan]:
    """The sources that were named, or those the index knows, or the samples, each looked through.

    What people should know is added to `notes`. Raises UsageError.
    """
    names = session.names
    labels, read, scan = options.labels, options.read, options.scan
    if sources:
        wanted = [(os.path.abspath(s), labels, read, scan) for s in sources]
    elif names.hashed and any(s.source != SAMPLES for s in before):
        raise UsageError("This index keeps no paths, only hashes of them: name the sources again.")
    elif before:
        if labels != "auto" or (read, scan) != (ReadOptions(), ScanOptions()):
            notes.append(
                "Known sources are looked at as was said of them last; to look at one otherwise, "
                "name it."
            )
        wanted = [(s.source, s.labels, s.read, s.scan) for s in before]
    else:
        wanted = [(SAMPLES, "auto", read, scan)]
        notes.append(
            "No source was named and the index was new, so the sample collection was taken in; "
            "name a folder to take in your own pictures."
        )
    classes = classes_of(session)
    for source, how, this_read, this_scan in wanted:
        if source == SAMPLES:
            from mediclip_index import samples

            bundle = samples.collection()
            entries = tuple(names.entry(e) for e in bundle.entries)
            yield Plan(source, how, ReadOptions(), ScanOptions(), entries, (), bundle.notes)
            continue
        name = names.of(source)
        table = how if how in ("auto", "none") else names.of(how)
        if not reading.is_there(source):
            if name not in {s.source for s in before}:
                raise UsageError(f"There is no file or folder {source} to build from.")
            # Known files that are missing with it; whether they are gone is asked later.
            yield Plan(name, table, this_read, this_scan, (), (), ())
            continue
        if exports.manifest(Path(source)) is not None:
            raise UsageError(
                f"{source} is an export, and becomes an index of its own: name a new folder for it "
                "with --index."
            )
        found = reading.scan(source, classes=classes, labels=how, options=this_scan)
        inside = str(session.catalog.folder) + os.sep
        own = f"{os.path.abspath(source)}{os.sep}".startswith(f"{inside}{KEPT}{os.sep}")
        yield Plan(
            name,
            table,
            this_read,
            this_scan,
            tuple(
                names.entry(replace(e, facts=in_classes(e.facts, classes)))
                for e in found.entries
                if own or not e.path.startswith(inside)
            ),
            tuple(names.refusal(refusal) for refusal in found.refused),
            tuple(names.note(note, source, *sources, how) for note in found.notes),
            len(found.closed),
        )


def check_read_alike(found: Sequence[Plan], before: Sequence[provenance.Source]) -> None:
    """Pages and frames that other options leave out would be removed as no pictures any more."""
    reads = {one.source: one.read for one in before}
    for plan in found:
        if plan.read != reads.get(plan.source, plan.read):
            raise UsageError(
                f"{plan.source} was read with other --frames, --pdf or --truncated; say the same "
                "with --reread, or name no source."
            )
