"""`remove`: take pictures out, for now or for good."""

from __future__ import annotations

from typing import Literal

import click

from mediclip_index.cli.asking import ASK_FROM, agreed
from mediclip_index.cli.options import all_pages_option, opened, output_options, pictures, put, tell
from mediclip_index.cli.root import Context
from mediclip_index.show import writing
from mediclip_index.show.text import counted


@click.command()
@click.argument("images", nargs=-1, metavar="[ID|PATH]...")
@all_pages_option
@click.option("--where", metavar="SQL", help="The images that meet a condition (see `info`).")
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--restore", is_flag=True, help="Bring removed images back.")
@click.option("--last", is_flag=True, help="With --restore: undo the last removal.")
@click.option("--list", "listed", is_flag=True, help="Show what is removed now.")
@click.option("--purge", is_flag=True, help="Erase them for good; this can't be undone.")
@click.option("--yes", is_flag=True, help="Purge, or remove many, without asking.")
@output_options
@click.pass_obj
def remove(
    context: Context,
    images: tuple[str, ...],
    all_pages: bool,
    where: str | None,
    dry_run: bool,
    restore: bool,
    last: bool,
    listed: bool,
    purge: bool,
    yes: bool,
    form: str,
) -> None:
    """Remove pictures from the index (- reads ids or paths from stdin); files are never touched.

    A removed picture no longer votes and is no longer found. The next build of its folder does not
    bring it back, not even under another name. Nothing of it is lost: --restore brings it back.
    With --restore, --where is a condition on removed pictures, as they were when removed;
    verdicts are those of today.

    --where asks before it removes more than 20 pictures. Where some ids are unknown the others are
    removed, and the exit code is 3.

    --purge erases: vectors, paths, labels, attributes, all pages of the file, every verdict on
    it or that lists it as a neighbour. A tombstone stays, so `audit verify` still holds. The
    index no longer knows the content: delete the file, or the next build adds it as new.
    Earlier backups and exports still hold it.

    \b
    mediclip-index remove 12 13
    mediclip-index remove --where "label is null" --dry-run
    mediclip-index remove --list
    mediclip-index remove --restore --last
    mediclip-index remove --purge 13 --yes
    """
    if restore and purge:
        raise click.UsageError("--restore brings back, --purge erases; choose one.")
    if listed and (images or where is not None or restore or purge or last):
        raise click.UsageError("--list shows what is removed now; say it alone.")
    if last and not restore:
        raise click.UsageError("--last goes with --restore: it undoes the last removal.")
    what: Literal["removed", "restored", "purged"] = (
        "purged" if purge else "restored" if restore else "removed"
    )
    index = opened(context)
    if listed:
        put(index.removed(), writing.REMOVED, form)
        return
    chosen = pictures(index, images, all_pages=all_pages)
    if not dry_run and not yes and (purge or ((where is not None or all_pages) and not restore)):
        planned = index.remove(chosen, where=where, what=what, dry_run=True)
        count = counted(len(planned.images), "image")
        if purge:
            agreed(
                f"Erase {count} and {counted(planned.verdicts, 'verdict')} for good?",
                "--purge can't be undone; say --yes too where nobody is asked.",
            )
        elif len(planned.images) > ASK_FROM:
            agreed(
                f"Remove {count}?",
                f"This would remove {count}: say --yes too where nobody can be asked.",
            )
    report = index.remove(chosen, where=where, what=what, dry_run=dry_run, last=last)
    tell(report.notes)
    put(report, writing.REMOVE, form)
    if report.unknown:
        raise click.exceptions.Exit(3)
