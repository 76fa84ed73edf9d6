"""`label`: say what pictures are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediclip_index.cli.options import (
    all_pages_option,
    html_option,
    list_options,
    open_index,
    output_options,
    pictures,
    print_notes,
    print_report,
    write_gallery,
)
from mediclip_index.cli.root import Context
from mediclip_index.cli.splitting import split
from mediclip_index.show import writing

if TYPE_CHECKING:
    from mediclip_index import Index


@click.group()
def label() -> None:
    """Label pictures: by id, by path or from a CSV.

    \b
    mediclip-index label set medical 12 13
    mediclip-index label import labels.csv
    mediclip-index label next
    """


@label.command("next")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="How many.")
@html_option("Also write an HTML gallery in which pictures can be labelled.")
@list_options
@click.pass_obj
def next_(context: Context, count: int, html: Path | None, form: str) -> None:
    """List the unlabelled images that are most useful to label.

    \b
    mediclip-index label next --count 20
    mediclip-index label next --count 100 --html next.html
    """
    index = open_index(context)
    rows = index.labels.next(count)
    if html:
        from mediclip_index.show import pages

        shots = index.images.thumbnails([row.id for row in rows[: pages.MOST_PICTURES]], pages.SIDE)
        write_gallery(html, index, pages.proposals, rows, shots)
    print_report(rows, writing.PROPOSALS, form)


@label.command("set")
@click.argument("words", nargs=-1, required=True, metavar="[CLASS] ID|PATH...")
@click.option("--clear", is_flag=True, help="Remove class and kind (then give no CLASS).")
@click.option(
    "--kind", metavar="KIND", help='The kind of picture, such as ultrasound ("" removes it).'
)
@click.option("--split", help="Put the images into this split.")
@click.option("--subject", help="The patient, study or document that the images come from.")
@all_pages_option
@output_options
@click.pass_obj
def set_(
    context: Context,
    words: tuple[str, ...],
    clear: bool,
    kind: str | None,
    split: str | None,
    subject: str | None,
    all_pages: bool,
    form: str,
) -> None:
    """Label images by id or path (- reads them from stdin).

    \b
    mediclip-index label set non_medical 12 photos/cat.png
    mediclip-index label set --clear 12
    mediclip-index label set --kind ultrasound 12
    mediclip-index label set --split test 14 15
    """
    first = words[0]
    index = open_index(context)
    named = not (first == "-" or first.lstrip("#").isdecimal() or _is_path(index, first))
    if clear and named:
        raise click.UsageError("--clear takes the label away; name pictures only.")
    given = words[1:] if named else words
    later = None if named else next((w for w in given if _is_class(index, w)), None)
    if later is not None:
        rest = " ".join(word for word in given if word != later)
        raise click.UsageError(f"CLASS comes first: mediclip-index label set {later} {rest}")
    said = "" if clear else first if named else None
    if clear and kind:
        raise click.UsageError("--clear takes the kind away too; say a kind or --clear.")
    kind = "" if clear else kind
    chosen = pictures(index, given, all_pages=all_pages)
    report = index.labels.set(said, chosen, split=split, subject=subject, kind=kind)
    print_notes(report.notes)
    print_report(report, writing.LABELS, form)


def _is_class(index: Index, word: str) -> bool:
    return not os.path.exists(word) and index.labels.is_class(word)


def _is_path(index: Index, word: str) -> bool:
    """Whether the first word is a picture's path rather than a class, which goes before a file of
    that name."""
    return not index.labels.is_class(word) and (os.sep in word or os.path.isfile(word))


@label.command("import", short_help="Import labels, splits and subjects from a CSV.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@all_pages_option
@click.option("--keep-columns", is_flag=True, help="Store unknown columns as attributes.")
@click.option(
    "--machine-labels", is_flag=True,
    help="Take the machine's own classes as labels: those of a list of verdicts, or `guess` "
    "where label is empty.",
)  # fmt: skip
@output_options
@click.pass_obj
def import_(
    context: Context,
    file: Path,
    all_pages: bool,
    keep_columns: bool,
    machine_labels: bool,
    form: str,
) -> None:
    """Import labels, splits and subjects from a CSV file, by image id or by path.

    Such a file is what `query`, `search` or `label next` write with --format csv: fill in its
    column label. Rows without a label change nothing.

    \b
    mediclip-index label import labels.csv     # image|path[,page][,item][,label][,split][,subject]
    """
    report = open_index(context).labels.from_csv(
        file, all_pages=all_pages, keep_columns=keep_columns, machine_labels=machine_labels
    )
    print_notes(report.notes)
    print_report(report, writing.LABELS, form)
    if report.missing or report.several:
        raise click.exceptions.Exit(3)


@label.command()
@click.argument("image", metavar="ID|PATH")
@output_options
@click.pass_obj
def history(context: Context, image: str, form: str) -> None:
    """Show who labelled an image, how and when.

    \b
    mediclip-index label history 12
    """
    index = open_index(context)
    print_report(index.labels.history(pictures(index, [image])[0]), writing.HISTORY, form)


label.add_command(split)
