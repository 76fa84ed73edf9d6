"""`query`: ask what pictures are."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from mediclip_index.cli.copying import Wanted, copy_and_say, refuse_without_paths
from mediclip_index.cli.options import (
    engine_options,
    html_option,
    kind_option,
    list_options,
    open_index,
    options_from,
    print_notes,
    print_report,
    told_kinds,
    write_gallery,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import writing
from mediclip_index.show.text import counted
from mediclip_index.types import Options, Pixels, QueryOptions, QueryReport, UsageError, Verdict
from mediclip_index.types.options import option


@dataclass(frozen=True, kw_only=True)
class Asked(Options):
    """Of what is asked, and which verdicts are shown."""

    indexed: bool = option(False, "Classify the images in the index, from stored vectors.")
    where: str | None = option(
        None, "With --indexed: only images that meet a condition.", metavar="SQL"
    )
    only: tuple[str, ...] = option(
        (), "Show only these verdicts (repeatable); unsure alone: the most doubtful first.",
        metavar="CLASS|unsure",
    )  # fmt: skip
    copy_to: Path | None = option(
        None, "Copy the files of the verdicts shown into DIR; nothing there is overwritten.",
        metavar="DIR",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.where is not None and not self.indexed:
            raise UsageError("--where is for --indexed: it asks of what the index holds.")


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@options_from(QueryOptions)
@options_from(Asked, "asked")
@kind_option("Show only pictures of this kind, such as fundus (repeatable).")
@html_option("Also write an HTML gallery in which pictures can be labelled.")
@engine_options
@list_options
@click.pass_obj
def query(
    context: Context,
    sources: tuple[str, ...],
    options: QueryOptions,
    asked: Asked,
    kinds: tuple[str, ...],
    html: Path | None,
    form: str,
) -> None:
    """Classify pictures: files, folders, archives, PDFs, DICOM, CSV lists, or - for stdin.

    Every verdict is kept with its evidence (see `mediclip-index audit`), unless you say
    --no-audit. Where a person has labelled a picture, that label goes before the verdict: in
    lists, --only, --kind and --copy-to.

    \b
    mediclip-index query photo.png
    mediclip-index query --json photos/ > verdicts.json
    mediclip-index query --indexed --only unsure --html look.html
    mediclip-index query --indexed --where "label is null" --only unsure
    mediclip-index query crawl/ --only medical --copy-to keep/
    """
    from mediclip_index.show import TerminalProgress

    indexed, only, copy_to = asked.indexed, asked.only, asked.copy_to
    if indexed and sources:
        raise click.UsageError("Name pictures or say --indexed, not both.")
    if not indexed and not sources:
        raise click.UsageError("Name pictures, or say --indexed for those that the index holds.")
    index = open_index(context)
    refuse_without_paths(index, copy_to)
    kinds = told_kinds(index, kinds, options.prompts)
    if options.prompts is None:  # with others it is known with the first verdict
        facts = index.info() if only else None
        only = _named(only, (*facts.classes, *facts.labels) if facts else ())
    progress = TerminalProgress()
    shots: dict[Any, Any] = {}
    try:
        if indexed:
            report = index.query_indexed(options, where=asked.where, progress=progress)
        else:
            report = index.query(
                sources,
                options,
                stdin=sys.stdin.buffer.read() if "-" in sources else None,
                seen=_kept_in(shots, only, kinds) if html else None,
                progress=progress,
            )
    finally:
        progress.finish()
    if options.prompts is not None and report.verdicts:
        only = _named(
            only, (*report.verdicts[0].probabilities, *(v.effective for v in report.verdicts))
        )
    shown = _only(report, only)
    if kinds:
        shown = replace(shown, verdicts=tuple(v for v in shown.verdicts if v.kind in kinds))
    print_notes(report.notes)
    if report.verdicts and not shown.verdicts:
        pictures = counted(len(report.verdicts), "picture")
        wanted = " or ".join(only) + (" of kind " if only and kinds else "") + " or ".join(kinds)
        print_notes([f"{pictures} asked of: no verdict is {wanted}."])
    if html:
        from mediclip_index.show import pages

        if indexed:
            ids = [v.image for v in shown.verdicts[: pages.MOST_PICTURES] if v.image is not None]
            shots.update(index.images.thumbnails(ids, pages.SIDE))
        write_gallery(html, index, pages.query, shown, shots)
    kept = options.audit or form != "table"
    print_report(shown if kept else _without_ids(shown), writing.QUERY, form)
    nameless = sum(v.image is None for v in shown.verdicts) if form == "ids" else 0
    if nameless:
        print_notes([f"{counted(nameless, 'picture')} not in the index, so without an id."])
    whole = copy_to is None or copy_and_say(
        map(Wanted.of_verdict, shown.verdicts), copy_to, sources
    )
    if form == "table" and len(shown.verdicts) == 1 and shown.verdicts[0].neighbours:
        nearest = shown.verdicts[0].neighbours[0].id
        click.echo(f"\nNext: mediclip-index search --like {nearest}", err=True)
    elif form == "table" and indexed and "unsure" in only and shown.verdicts:
        click.echo("\nNext: mediclip-index label next names those that teach most.", err=True)
    if report.refused or not whole:
        raise click.exceptions.Exit(3)


def _kept_in(
    shots: dict[Any, Any], only: Sequence[str], kinds: Sequence[str]
) -> Callable[[Verdict, Pixels], None]:
    """What keeps the thumbnails of the pictures that a page shows, by verdict."""
    from mediclip_index.show import pages

    def keep(verdict: Verdict, pixels: Pixels) -> None:
        wanted = _is_one_of(verdict, only) and (not kinds or verdict.kind in kinds)
        if wanted and len(shots) < pages.MOST_PICTURES:
            shots[verdict.id] = pages.thumbnail(pixels)

    return keep


def _named(only: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
    """What --only names, as the classes are written; a usage error where there is no such class."""
    from mediclip_index.reading import plain

    names = list(dict.fromkeys((*classes, "unsure")))
    spelled = {plain(name): name for name in names}
    for word in only:
        if plain(word) not in spelled:
            near = difflib.get_close_matches(plain(word), spelled, n=1)
            meant = f"did you mean {spelled[near[0]]}? There" if near else "there"
            raise click.UsageError(
                f"--only {word}: there is no such class; {meant} are {', '.join(names)}."
            )
    return tuple(spelled[plain(word)] for word in only)


def _without_ids(report: QueryReport) -> QueryReport:
    """Without ids of verdicts that nobody can ask for."""
    return replace(report, verdicts=tuple(replace(v, id="") for v in report.verdicts))


def _is_one_of(verdict: Verdict, only: Sequence[str]) -> bool:
    return not only or verdict.effective in only or (verdict.in_doubt and "unsure" in only)


def _only(report: QueryReport, only: Sequence[str]) -> QueryReport:
    if not only:
        return report
    kept = [v for v in report.verdicts if _is_one_of(v, only)]
    if set(only) == {"unsure"}:
        kept.sort(key=lambda v: v.probability)  # what is most in doubt is looked at first
    return replace(report, verdicts=tuple(kept))
