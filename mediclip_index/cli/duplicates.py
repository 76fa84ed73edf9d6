"""`duplicates`: images that are the same, or nearly so."""

from __future__ import annotations

import click

from mediclip_index.cli.options import opened, output_options, put
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@click.option(
    "--min-similarity", "least", type=float, default=0.998, show_default=True,
    help="Cosine from which two images are nearly the same.",
)  # fmt: skip
@output_options
@click.pass_obj
def duplicates(context: Context, least: float, form: str) -> None:
    """Images that are the same or nearly so, within and across splits and labels.

    \b
    mediclip-index duplicates
    mediclip-index duplicates --min-similarity 0.99 --json
    """
    progress = TerminalProgress()
    report = opened(context).duplicates(least=least, progress=progress)
    progress.finish()
    put(report, writing.DUPLICATES, form)
