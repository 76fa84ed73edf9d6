"""`duplicates`: images that are the same, or copies of each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from mediclip_index.cli.asking import ASK_FROM, agreed
from mediclip_index.cli.copying import Wanted, copy_and_say, refuse_without_paths
from mediclip_index.cli.options import (
    html_option,
    list_options,
    open_index,
    options_from,
    print_notes,
    print_report,
    write_gallery,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing
from mediclip_index.show.duplicates import left_over
from mediclip_index.show.text import counted
from mediclip_index.types import DuplicatesReport, Options, UsageError
from mediclip_index.types.options import option

_NAMED = 5  # frames that a note names


@dataclass(frozen=True, kw_only=True)
class KeepOptions(Options):
    """What becomes of copies."""

    keep: Literal["best"] | None = option(
        None,
        "Of each group, keep a labelled one, else that of most pixels, then the largest file.",
    )
    copy_to: Path | None = option(
        None, "With --keep: copy those of near copies that are kept into DIR; nothing there is "
        "overwritten.",
        metavar="DIR",
    )  # fmt: skip
    remove: bool = option(
        False,
        "With --keep: take the others out of the index; `remove --restore --last` undoes it.",
    )
    dry_run: bool = option(False, "With --remove: only list what would be taken out.")
    also_frames: bool = option(
        False, "With --keep: leave out frames and pages of one file that look alike, too."
    )
    yes: bool = option(False, "Remove many without asking.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.copy_to is not None or self.remove) and self.keep is None:
            raise UsageError("--copy-to and --remove go with --keep best.")
        if (self.dry_run and not self.remove) or (self.also_frames and self.keep is None):
            raise UsageError("--dry-run goes with --remove, --also-frames with --keep best.")


@click.command()
@click.option(
    "--min-similarity", "least", type=float, metavar="COSINE",
    help="Images that are alike to the model, whatever their pixels, from this cosine on (0.998 "
    "is nearly the same); without it, copies of each other.",
)  # fmt: skip
@html_option("Also as a gallery.")
@options_from(KeepOptions, "keeping")
@list_options
@click.pass_obj
def duplicates(
    context: Context,
    least: float | None,
    html: Path | None,
    keeping: KeepOptions,
    form: str,
) -> None:
    """Images that are the same, or copies: compressed again, resized, cropped a little, lighter.

    Slices of one scan and frames of one film are no copies of each other. --format paths lists
    every file of every group; with --keep best, the files of the images that are left out; frames
    of one file stay. Files are never touched.

    \b
    mediclip-index duplicates
    mediclip-index duplicates --html copies.html
    mediclip-index duplicates --keep best --format paths
    mediclip-index duplicates --keep best --remove --dry-run
    mediclip-index duplicates --min-similarity 0.99 --json
    """
    keep, copy_to = keeping.keep, keeping.copy_to
    progress = TerminalProgress()
    index = open_index(context)
    refuse_without_paths(index, copy_to)
    report = index.duplicates(least=least, progress=progress)
    progress.finish()
    print_notes(report.notes)
    if html:
        from mediclip_index.show import pages

        pictures = index.images.thumbnails(pages.pictured_duplicates(report), pages.SIDE)
        write_gallery(html, index, pages.duplicates, report, pictures)
    bare = report if keeping.also_frames or keep is None else _without_frames(report)
    print_report(bare, writing.LEFT_OUT if keep else writing.DUPLICATES, form)
    whole = True
    if copy_to is not None and not keeping.dry_run:
        kept = [(g, g.ids.index(g.best)) for g in report.groups if g.kind == "near"]
        whole = copy_and_say(
            [
                Wanted(
                    g.paths[at],
                    *g.parts[at],
                    id=g.best,
                    label=g.labels[at] or None,
                    sha256=g.contents[at],
                )
                for g, at in kept
            ],
            copy_to,
        )
    others = [row["id"] for row in left_over(bare)]
    spared = sorted({row["id"] for row in left_over(report)}.difference(others))
    if keep is not None and spared:
        named = ", ".join(f"#{image}" for image in spared[:_NAMED])
        more = ", …" if len(spared) > _NAMED else ""
        print_notes(
            [
                f"Frames or pages of one file look alike and stay ({named}{more}): --also-frames "
                "leaves them out, too."
            ]
        )
    if keeping.dry_run:
        click.echo(f"{counted(len(others), 'image')} would be removed from the index.", err=True)
    elif keeping.remove and others:
        if len(others) > ASK_FROM and not keeping.yes:
            agreed(
                f"Remove {counted(len(others), 'image')} from the index?",
                f"{counted(len(others), 'image')} would be removed: say --yes too where nobody "
                "can be asked.",
            )
        done = index.remove(others)
        click.echo(
            f"{counted(len(done.images), 'image')} removed from the index; "
            "`mediclip-index remove --restore --last` brings them back.",
            err=True,
        )
    if not whole:
        raise click.exceptions.Exit(3)


def _without_frames(report: DuplicatesReport) -> DuplicatesReport:
    """The groups without pictures of a file of which they hold several, save the best: frames of a
    film are alike, and no copies."""
    groups = []
    for group in report.groups:
        together = Counter(group.contents)
        own = [
            n
            for n, image in enumerate(group.ids)
            if image == group.best or together[group.contents[n]] == 1
        ]
        if group.kind == "near" and len(own) < len(group.ids):
            if len(own) == 1:
                continue
            fields = ("ids", "paths", "labels", "splits", "sizes", "parts", "contents")
            kept: dict[str, Any] = {
                name: tuple(getattr(group, name)[n] for n in own) for name in fields
            }
            group = replace(group, **kept)
        groups.append(group)
    return replace(report, groups=tuple(groups))
