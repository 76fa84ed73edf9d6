"""`label`: say what pictures are."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import ids, list_options, opened, output_options, put, tell
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.group()
def label() -> None:
    """Say what pictures are: by id or from a CSV.

    \b
    mediclip-index label set medical 12 13
    mediclip-index label import labels.csv
    mediclip-index label next
    """


@label.command("next")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="How many.")
@list_options
@click.pass_obj
def next_(context: Context, count: int, form: str) -> None:
    """The unlabelled images whose labels would teach most.

    \b
    mediclip-index label next --count 20
    """
    put(opened(context).label_next(count), writing.PROPOSALS, form)


@label.command("set")
@click.argument("words", nargs=-1, required=True, metavar="[CLASS] ID...")
@click.option("--clear", is_flag=True, help="Take class and kind away (then name no CLASS).")
@click.option(
    "--kind", metavar="KIND", help='What kind of picture it is, as ultrasound ("" takes it away).'
)
@click.option("--split", help="Put the images into this split.")
@click.option("--subject", help="The patient, study or document that the images come from.")
@output_options
@click.pass_obj
def set_(
    context: Context,
    words: tuple[str, ...],
    clear: bool,
    kind: str | None,
    split: str | None,
    subject: str | None,
    form: str,
) -> None:
    """Label images by id (- reads ids from stdin).

    \b
    mediclip-index label set non_medical 12 13
    mediclip-index label set --clear 12
    mediclip-index label set --kind ultrasound 12
    mediclip-index label set --split test 14 15
    """
    first = words[0]
    named = not (first == "-" or first.lstrip("#").isdigit())
    if clear and named:
        raise click.UsageError("--clear takes the label away; name ids only.")
    given = words[1:] if named else words
    said = "" if clear else first if named else None
    if clear and kind:
        raise click.UsageError("--clear takes the kind away too; say a kind or --clear.")
    kind = "" if clear else kind
    report = opened(context).set_label(said, ids(given), split=split, subject=subject, kind=kind)
    tell(report.notes)
    put(report, writing.LABELS, form)


@label.command("import", short_help="Labels, splits, subjects and other columns from a CSV.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@output_options
@click.pass_obj
def import_(context: Context, file: Path, form: str) -> None:
    """Labels, splits, subjects and any other columns, by path, from a CSV list.

    \b
    mediclip-index label import labels.csv     # path[,label][,split][,subject][,anything]
    """
    report = opened(context).import_labels(file)
    tell(report.notes)
    put(report, writing.LABELS, form)
    if report.missing:
        raise click.exceptions.Exit(3)


@label.command()
@click.argument("image", metavar="ID")
@output_options
@click.pass_obj
def history(context: Context, image: str, form: str) -> None:
    """Who said what of an image, and when.

    \b
    mediclip-index label history 12
    """
    put(opened(context).label_history(ids([image])[0]), writing.HISTORY, form)
