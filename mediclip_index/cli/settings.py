"""`settings`: the numbers of the verdict that an index has had."""

from __future__ import annotations

import click

from mediclip_index.cli.options import open_index, output_options, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.group()
def settings() -> None:
    """List the classifier's settings, and choose which to use.

    \b
    mediclip-index settings list
    mediclip-index settings use 2
    mediclip-index tune --reset          # those that ship
    """


@settings.command("list")
@output_options
@click.pass_obj
def list_(context: Context, form: str) -> None:
    """List all settings, and where they come from.

    \b
    mediclip-index settings list
    """
    print_report(open_index(context).settings.all(), writing.SETTINGS, form)


@settings.command()
@click.argument("number", type=int)
@output_options
@click.pass_obj
def use(context: Context, number: int, form: str) -> None:
    """Use these settings from now on.

    \b
    mediclip-index settings use 2
    """
    print_report(open_index(context).settings.use(number), writing.SETTINGS, form)
