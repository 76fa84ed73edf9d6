"""`verify`: is the index whole?"""

from __future__ import annotations

import click

from mediclip_index.cli.options import open_index, output_options, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@click.option(
    "--deep", type=click.IntRange(1), is_flag=False, flag_value=100, metavar="[N]",
    help="Also read and embed N images again (100 where no N is given), and compare.",
)  # fmt: skip
@output_options
@click.pass_obj
def verify(context: Context, deep: int | None, form: str) -> None:
    """Check the index for damage, and against the files on disk. Writes nothing.

    Every finding says how to fix it; exit code 1 if there is any.

    \b
    mediclip-index verify
    mediclip-index verify --deep 500 --json
    """
    progress = TerminalProgress()
    try:
        report = open_index(context).verify(deep=deep, progress=progress)
    finally:
        progress.finish()
    print_report(report, writing.VERIFY, form)
    if not report.ok:
        raise click.exceptions.Exit(1)
