"""`summary`: what is in the pile."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import (
    html_option,
    open_index,
    output_options,
    print_notes,
    print_report,
    write_gallery,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing
from mediclip_index.types import SummaryReport


@click.command()
@click.option(
    "--by", metavar="kind|folder|source|split|COLUMN", default="kind", show_default=True,
    help="Count each class by this (see `info` for columns).",
)  # fmt: skip
@click.option("--where", metavar="SQL", help="Only images that meet a condition (see `info`).")
@html_option("Also write an HTML gallery of the likeliest pictures.")
@output_options
@click.pass_obj
def summary(context: Context, by: str, where: str | None, html: Path | None, form: str) -> None:
    """Count the images of each class and kind: sure, unsure, and labelled by a person.

    A person's label goes before the machine's verdict. Nothing is written to the audit.

    \b
    mediclip-index summary
    mediclip-index summary --by folder --where "verdict = 'medical'"
    mediclip-index summary --html pile.html
    """
    progress = TerminalProgress()
    index = open_index(context)
    try:
        report = index.summary(by=by, where=where, progress=progress)
    finally:
        progress.finish()
    print_notes(report.notes)
    if html:
        from mediclip_index.show import pages

        pictures = index.images.thumbnails(pages.likeliest(report), pages.SIDE)
        write_gallery(html, index, pages.summary, report, pictures)
    print_report(report, writing.SUMMARY, form)
    if form == "table" and report.rows:
        click.echo(f"\nNext: mediclip-index {_next(report)}", err=True)


def _next(report: SummaryReport) -> str:
    """What to look at next: what is in doubt, else the commonest kind of the first class."""
    if any(row.unsure for row in report.rows):
        return "query --indexed --only unsure --html unsure.html"
    if report.by == "kind" and report.rows[0].value:
        return f"search --kind {report.rows[0].value}"
    return "summary --by kind"
