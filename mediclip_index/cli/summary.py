"""`summary`: what is in the pile."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import html_option, opened, output_options, put, tell
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@click.option(
    "--by", metavar="kind|folder|source|split|COLUMN", default="kind", show_default=True,
    help="Count each class by this (see `info` for columns).",
)  # fmt: skip
@click.option("--where", metavar="SQL", help="Only images that meet a condition (see `info`).")
@html_option("Also as a gallery of the likeliest pictures.")
@output_options
@click.pass_obj
def summary(context: Context, by: str, where: str | None, html: Path | None, form: str) -> None:
    """What is in the pile: how many of each class and kind, sure, unsure or labelled by a person.

    A person's label counts before the machine's verdict. Nothing is written to the audit.

    \b
    mediclip-index summary
    mediclip-index summary --by folder --where "verdict = 'medical'"
    mediclip-index summary --html pile.html
    """
    progress = TerminalProgress()
    index = opened(context)
    try:
        report = index.summary(by=by, where=where, progress=progress)
    finally:
        progress.finish()
    tell(report.notes)
    if html:
        from mediclip_index.show import pages

        pictures = index.thumbnails(pages.likeliest(report), pages.SIDE)
        pages.write(html, pages.summary(report, pictures, index.info().classes))
    put(report, writing.SUMMARY, form)
    if form == "table" and by == "kind" and report.rows and report.rows[0].value:
        shown = f"mediclip-index search --kind {report.rows[0].value}"
        click.echo(f"\nNext: {shown}", err=True)
