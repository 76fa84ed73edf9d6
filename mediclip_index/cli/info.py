"""`info`: what the index holds."""

from __future__ import annotations

import click

from mediclip_index.cli.options import opened, output_options, put
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
    put(opened(context).info(), writing.INFO, form)
