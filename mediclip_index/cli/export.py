"""`export`: everything in Parquet and CSV files."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import open_index, output_options, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@output_options
@click.pass_obj
def export(context: Context, folder: Path, form: str) -> None:
    """Write everything to a new folder: the tables as Parquet, the library as Parquet and CSV.

    `build DIR` makes an index of it again, with the same ids, labels and their history, vectors and
    verdicts. Only the list of neighbour files is left out: they are made again. A README.md there
    says what is what.

    \b
    mediclip-index export exported/
    mediclip-index --index indexes/again build exported/
    """
    print_report(open_index(context).export(folder), writing.EXPORT, form)
