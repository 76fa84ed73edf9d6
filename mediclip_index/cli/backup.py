"""`backup`: everything in one file, and back."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import open_index, output_options, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--restore", is_flag=True, help="Bring an index back from FILE, where there is none.")
@output_options
@click.pass_obj
def backup(context: Context, file: Path, restore: bool, form: str) -> None:
    """Write the whole index, which may be in use, to one new file with checksums.

    The pictures are not in it: an index holds none. --restore checks every checksum before it
    writes anything, and never overwrites an index.

    \b
    mediclip-index backup monday.tar
    mediclip-index --index indexes/again backup --restore monday.tar
    """
    if restore:
        from mediclip_index.index import Index

        index = Index.restore(context.path, file, by=context.by, device=context.device)
        print_report(index.info(), writing.INFO, form)
        return
    print_report(open_index(context).backup(file), writing.BACKUP, form)
