"""`duplicates`: images that are the same, or copies of each other."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.asking import ASK_FROM, agreed
from mediclip_index.cli.copying import Wanted, copy
from mediclip_index.cli.options import html_option, list_options, opened, put, tell
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing
from mediclip_index.show.duplicates import left_over
from mediclip_index.show.text import counted


@click.command()
@click.option(
    "--min-similarity", "least", type=float, metavar="COSINE",
    help="Images that are alike to the model, whatever their pixels, from this cosine on (0.998 "
    "is nearly the same); without it, copies of each other.",
)  # fmt: skip
@html_option("Also as a gallery.")
@click.option(
    "--keep", type=click.Choice(["best"]),
    help="Of each group of copies, keep that of most pixels, then of the largest file.",
)  # fmt: skip
@click.option(
    "--copy-to", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="With --keep: copy those that are kept into DIR; nothing there is overwritten.",
)  # fmt: skip
@click.option(
    "--remove", is_flag=True,
    help="With --keep: take the others out of the index; `remove --restore --last` undoes it.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Remove many without asking.")
@list_options
@click.pass_obj
def duplicates(
    context: Context,
    least: float | None,
    html: Path | None,
    keep: str | None,
    copy_to: Path | None,
    remove: bool,
    yes: bool,
    form: str,
) -> None:
    """Images that are the same, or copies: compressed again, resized, cropped a little, lighter.

    Slices of one scan and frames of one film are no copies of each other. --format paths lists
    every file of every group; with --keep best, the files of the images that are left out. Files
    are never touched.

    \b
    mediclip-index duplicates
    mediclip-index duplicates --html copies.html
    mediclip-index duplicates --keep best --format paths
    mediclip-index duplicates --keep best --remove
    mediclip-index duplicates --min-similarity 0.99 --json
    """
    if (copy_to is not None or remove) and keep is None:
        raise click.UsageError("--copy-to and --remove go with --keep best.")
    progress = TerminalProgress()
    index = opened(context)
    if copy_to is not None and index.hashes_paths:
        raise click.UsageError("--copy-to: this index keeps no paths, so it can't copy.")
    report = index.duplicates(least=least, progress=progress)
    progress.finish()
    tell(report.notes)
    if html:
        from mediclip_index.show import pages

        pictures = index.thumbnails(pages.pictured_duplicates(report), pages.SIDE)
        pages.write(html, pages.duplicates(report, pictures, index.info().classes))
    put(report, writing.LEFT_OUT if keep else writing.DUPLICATES, form)
    missing: tuple[str, ...] = ()
    near = [group for group in report.groups if group.kind == "near"]
    if copy_to is not None:
        kept = [
            Wanted(
                g.paths[g.ids.index(g.best)],
                *g.parts[g.ids.index(g.best)],
                id=g.best,
                label=g.labels[g.ids.index(g.best)] or None,
            )
            for g in near
        ]
        copied = copy(kept, copy_to)
        missing = copied.missing
        click.echo(copied.sentence(copy_to), err=True)
        tell([f"Not copied, since it is no longer there: {path}." for path in missing])
    others = [row["id"] for row in left_over(report)]
    if remove and others:
        if len(others) > ASK_FROM and not yes:
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
    if missing:
        raise click.exceptions.Exit(3)
