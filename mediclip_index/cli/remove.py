"""`remove`: take pictures out, for now or for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import click

from mediclip_index.cli.asking import ASK_FROM, agreed
from mediclip_index.cli.options import (
    all_pages_option,
    open_index,
    options_from,
    output_options,
    pictures,
    print_notes,
    print_report,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import writing
from mediclip_index.show.text import counted
from mediclip_index.types import Options, UsageError
from mediclip_index.types.options import option


@dataclass(frozen=True, kw_only=True)
class RemoveOptions(Options):
    """What is done to which images."""

    where: str | None = option(
        None, "The images that meet a condition (see `info`).", metavar="SQL"
    )
    dry_run: bool = option(False, "Only show what would be removed.")
    restore: bool = option(False, "Bring removed images back.")
    last: bool = option(False, "With --restore: undo the last removal.")
    listed: bool = option(False, "Show what is removed now.", flag="--list")
    purge: bool = option(False, "Erase them for good; this can't be undone.")
    yes: bool = option(False, "Purge, or remove many, without asking.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.restore and self.purge:
            raise UsageError("--restore brings back, --purge erases; choose one.")
        if self.listed and (self.where is not None or self.restore or self.purge or self.last):
            raise UsageError("--list shows what is removed now; say it alone.")
        if self.last and not self.restore:
            raise UsageError("--last goes with --restore: it undoes the last removal.")

    @property
    def what(self) -> Literal["removed", "restored", "purged"]:
        return "purged" if self.purge else "restored" if self.restore else "removed"


@click.command()
@click.argument("images", nargs=-1, metavar="[ID|PATH]...")
@all_pages_option
@options_from(RemoveOptions)
@output_options
@click.pass_obj
def remove(
    context: Context,
    images: tuple[str, ...],
    all_pages: bool,
    options: RemoveOptions,
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
    if options.listed and images:
        raise click.UsageError("--list shows what is removed now; say it alone.")
    where, what = options.where, options.what
    index = open_index(context)
    if options.listed:
        print_report(index.images.removed(), writing.REMOVED, form)
        return
    chosen = pictures(index, images, all_pages=all_pages)
    many = (where is not None or all_pages) and not options.restore
    if not options.dry_run and not options.yes and (options.purge or many):
        planned = index.remove(chosen, where=where, what=what, dry_run=True)
        count = counted(len(planned.images), "image")
        if options.purge:
            agreed(
                f"Erase {count} and {counted(planned.verdicts, 'verdict')} for good?",
                "--purge can't be undone; say --yes too where nobody is asked.",
            )
        elif len(planned.images) > ASK_FROM:
            agreed(
                f"Remove {count}?",
                f"This would remove {count}: say --yes too where nobody can be asked.",
            )
    report = index.remove(
        chosen, where=where, what=what, dry_run=options.dry_run, last=options.last
    )
    print_notes(report.notes)
    print_report(report, writing.REMOVE, form)
    if report.unknown:
        raise click.exceptions.Exit(3)
