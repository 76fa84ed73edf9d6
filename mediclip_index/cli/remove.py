"""`remove`: take pictures out, for now or for good."""

from __future__ import annotations

import sys
from typing import Literal

import click

from mediclip_index.cli.options import ids, opened, output_options, put, tell
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.command()
@click.argument("images", nargs=-1, metavar="[ID]...")
@click.option("--where", metavar="SQL", help="The images that meet a condition (see `info`).")
@click.option("--dry-run", is_flag=True, help="Only show what would be taken out.")
@click.option("--restore", is_flag=True, help="Bring removed images back.")
@click.option("--purge", is_flag=True, help="Erase them for good; this can't be undone.")
@click.option("--yes", is_flag=True, help="Purge without asking.")
@output_options
@click.pass_obj
def remove(
    context: Context,
    images: tuple[str, ...],
    where: str | None,
    dry_run: bool,
    restore: bool,
    purge: bool,
    yes: bool,
    form: str,
) -> None:
    """Take pictures out (- reads ids from stdin); the files themselves are never touched.

    A removed picture votes no more, is found no more, and does not come back at the next build of
    its folder, under another name neither; nothing of it is lost, and --restore brings it back.

    --purge erases: vectors, paths, labels, attributes, all pages of the file, every verdict on it
    or that lists it as a neighbour. A tombstone stays, so `audit verify` still holds. It knows the
    content no more: delete the file, or the next build takes it in as new. Backups and exports
    made before are not reached.

    \b
    mediclip-index remove 12 13
    mediclip-index remove --where "label is null" --dry-run
    mediclip-index remove --restore 12
    mediclip-index remove --purge 13 --yes
    """
    if restore and purge:
        raise click.UsageError("--restore brings back, --purge erases; choose one.")
    what: Literal["removed", "restored", "purged"] = (
        "purged" if purge else "restored" if restore else "removed"
    )
    index = opened(context)
    chosen = ids(images)
    if purge and not dry_run and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("--purge can't be undone; say --yes too where nobody is asked.")
        planned = index.remove(chosen, where=where, what=what, dry_run=True)
        click.confirm(
            f"Erase {len(planned.images)} images and {planned.verdicts} verdicts for good?",
            abort=True,
            err=True,
        )
    report = index.remove(chosen, where=where, what=what, dry_run=dry_run)
    tell(report.notes)
    put(report, writing.REMOVE, form)
