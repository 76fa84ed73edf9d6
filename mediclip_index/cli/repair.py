"""`repair`: make again what can be made again."""

from __future__ import annotations

import click

from mediclip_index.cli.options import open_index, output_options, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@output_options
@click.pass_obj
def repair(context: Context, form: str) -> None:
    """Repair the index: make the neighbour file and lost vectors again where the files are there.

    What can't be repaired is moved to aside/ in the index's folder; nothing else is removed. It can
    be stopped and run again. Exit code 1 where `verify` still finds something.

    \b
    mediclip-index repair
    """
    progress = TerminalProgress()
    try:
        report = open_index(context).repair(progress=progress)
    finally:
        progress.finish()
    print_report(report, writing.REPAIR, form)
    if not report.ok:
        raise click.exceptions.Exit(1)
