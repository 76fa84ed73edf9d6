"""`info`: what the index holds."""

from __future__ import annotations

import click

from mediclip_index.cli.options import open_index, output_options, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.command()
@output_options
@click.pass_obj
def info(context: Context, form: str) -> None:
    """What the index holds, and the columns that --where may name.

    \b
    mediclip-index info
    mediclip-index --index other/index info --json
    """
    print_report(open_index(context).info(), writing.INFO, form)
