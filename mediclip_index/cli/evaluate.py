"""`evaluate`: how good words, neighbours and blend are."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import (
    html_option,
    opened,
    output_options,
    put,
    references_option,
    tell,
    tell_page,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@click.option(
    "--split", default="test", show_default=True, help="Split to evaluate on; all for all of them."
)
@click.option("--prompts", metavar="SET", help="With another prompt set or TOML file.")
@click.option(
    "--leave-out", multiple=True, metavar="COLUMN",
    type=click.Choice(["source", "category", "subject", "split"]),
    help="Leave out voters that share this with the image (repeatable).",
)  # fmt: skip
@click.option("--alpha", type=float, help="Try another weight of the neighbours.")
@click.option("-k", type=int, help="Try another number of neighbours.")
@references_option
@click.option(
    "--compare", nargs=2, type=int, metavar="A B", help="Show two kept evaluations side by side."
)
@click.option(
    "--allow-shared-subjects", is_flag=True, help="Evaluate though splits share subjects."
)
@html_option("Also write an HTML page.")
@output_options
@click.pass_obj
def evaluate(
    context: Context,
    split: str,
    prompts: str | None,
    leave_out: tuple[str, ...],
    alpha: float | None,
    k: int | None,
    references: bool,
    compare: tuple[int, int] | None,
    allow_shared_subjects: bool,
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
    report = index.evaluate(
        split=split,
        prompts=prompts,
        leave_out=leave_out,
        alpha=alpha,
        k=k,
        references=references,
        allow_shared_subjects=allow_shared_subjects,
        progress=progress,
    )
    progress.finish()
    tell(report.notes)
    if html:
        from mediclip_index.show import pages

        pages.write(html, pages.evaluation(report))
        tell_page(html)
    put(report, writing.EVALUATION, form)
