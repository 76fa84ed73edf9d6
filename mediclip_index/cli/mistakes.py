"""`mistakes`: what is judged wrong, and which labels look wrong."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import (
    html_option,
    list_options,
    open_index,
    print_notes,
    print_report,
    references_option,
    write_gallery,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@click.option("--prompts", metavar="SET", help="With another prompt set or TOML file.")
@references_option
@html_option("Also write an HTML gallery.")
@click.option("--fail", is_flag=True, help="End with 1 where a mistake was found.")
@list_options
@click.pass_obj
def mistakes(
    context: Context,
    prompts: str | None,
    references: bool,
    html: Path | None,
    fail: bool,
    form: str,
) -> None:
    """List labelled images that are classified wrong, why, and labels that look wrong.

    Every labelled image is classified as if it were new. Correct labels with `label set`.

    \b
    mediclip-index mistakes
    mediclip-index mistakes --html mistakes.html
    """
    progress = TerminalProgress()
    index = open_index(context)
    report = index.mistakes(prompts=prompts, references=references, progress=progress)
    progress.finish()
    print_notes(report.notes)
    if html:
        from mediclip_index.show import pages

        pictures = index.images.thumbnails(pages.pictured(report), pages.SIDE)
        write_gallery(html, index, pages.mistakes, report, pictures)
    print_report(report, writing.MISTAKES, form)
    if fail and report.mistakes:
        raise click.exceptions.Exit(1)
