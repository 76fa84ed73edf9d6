"""`evaluate`: how good words, neighbours and blend are."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import (
    html_option,
    open_index,
    options_from,
    output_options,
    print_notes,
    print_page_note,
    print_report,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing
from mediclip_index.types import EvaluateOptions


@click.command()
@options_from(EvaluateOptions)
@click.option(
    "--compare", nargs=2, type=int, metavar="A B", help="Show two kept evaluations side by side."
)
@html_option("Also write an HTML page.")
@output_options
@click.pass_obj
def evaluate(
    context: Context,
    options: EvaluateOptions,
    compare: tuple[int, int] | None,
    html: Path | None,
    form: str,
) -> None:
    """Measure words, neighbours and both together (blend) on a split, with intervals.

    \b
    mediclip-index evaluate
    mediclip-index evaluate --split all --leave-out source --html report.html
    mediclip-index evaluate --compare 1 2
    """
    index = open_index(context)
    if compare:
        both = index.evaluations.compare(*compare)
        print_notes(both.notes)
        print_report(both, writing.COMPARISON, form)
        return
    progress = TerminalProgress()
    report = index.evaluate(options, progress=progress)
    progress.finish()
    print_notes(report.notes)
    if html:
        from mediclip_index.show import pages

        pages.write(html, pages.evaluation(report))
        print_page_note(html)
    print_report(report, writing.EVALUATION, form)
