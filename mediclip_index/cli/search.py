"""`search`: find indexed pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from mediclip_index.cli.copying import Wanted, copy_and_say, refuse_without_paths
from mediclip_index.cli.options import (
    engine_options,
    html_option,
    kind_option,
    list_options,
    open_index,
    options_from,
    pictures,
    print_notes,
    print_report,
    told_kinds,
    write_gallery,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing
from mediclip_index.types import Options, SearchQuery
from mediclip_index.types.options import option


@dataclass(frozen=True, kw_only=True)
class Found(Options):
    """What is like it, and what becomes of what is found."""

    like: tuple[str, ...] = option((), "Like this indexed picture (id or path).", metavar="ID|PATH")
    all_pages: bool = option(
        False, "Where a path holds several pictures (PDF, archive, frames), take all of them."
    )
    k: int | None = option(
        None, "How many results.", flag="-k",
        show_default="10; all with --format paths or ids, or --copy-to, if only a condition is "
        "given",
    )  # fmt: skip
    copy_to: Path | None = option(
        None, "Copy the files found into DIR; nothing there is overwritten.", metavar="DIR"
    )


@click.command()
@click.argument("text", nargs=-1)
@options_from(SearchQuery, "query")
@options_from(Found, "found")
@kind_option("Only images of this kind, such as fundus (repeatable).")
@engine_options
@html_option("Also write an HTML gallery in which pictures can be labelled.")
@list_options
@click.pass_obj
def search(
    context: Context,
    text: tuple[str, ...],
    query: SearchQuery,
    found: Found,
    kinds: tuple[str, ...],
    html: Path | None,
    form: str,
) -> None:
    """Find indexed pictures by text, picture, id, kind or condition, or a mix of them.

    A TEXT or FILE may carry a weight: "chest X-ray::2".

    \b
    mediclip-index search "chest X-ray"
    mediclip-index search --like 12 -k 5
    mediclip-index search --kind ultrasound --copy-to ultrasound/
    mediclip-index search "hand" --not "X-ray::0.5" --where "label = 'non_medical'"
    """
    like, k, copy_to = found.like, found.k, found.copy_to
    asked = text or query.images or like or query.without
    listing = (form in ("paths", "ids") or copy_to is not None) and not asked
    index = open_index(context)
    refuse_without_paths(index, copy_to)
    progress = TerminalProgress()
    report = index.search(
        text,
        query,
        like=pictures(index, like, all_pages=found.all_pages),
        k=k if k is not None or listing else 10,
        kinds=[f"={kind}" for kind in told_kinds(index, kinds)],
        guess=form not in ("paths", "ids") or html is not None or copy_to is not None,
        progress=progress,
    )
    progress.finish()
    print_notes(report.notes)
    if html:
        from mediclip_index.show import pages

        ids = [hit.id for hit in report.results[: pages.MOST_PICTURES]]
        shots = index.images.thumbnails(ids, pages.SIDE)
        write_gallery(html, index, pages.search, report, shots)
    print_report(report, writing.SEARCH, form)
    if copy_to is not None and not copy_and_say(map(Wanted.of_hit, report.results), copy_to):
        raise click.exceptions.Exit(3)
