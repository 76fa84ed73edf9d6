"""`evaluate`: how good words, neighbours and blend are."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import (
    html_option,
    opened,
    options_from,
    output_options,
    put,
    tell,
    tell_page,
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
    index = opened(context)
    if compare:
        both = index.compare_evaluations(*compare)
        tell(both.notes)
        put(both, writing.COMPARISON, form)
        return
    progress = TerminalProgress()
    report = index.evaluate(options, progress=progress)
    progress.finish()
    tell(report.notes)
    if html:
        from mediclip_index.show import pages

        pages.write(html, pages.evaluation(report))
        tell_page(html)
    put(report, writing.EVALUATION, form)
