"""`label split`: which images measure the index, and which teach it."""

from __future__ import annotations

import click

from mediclip_index.cli.options import open_index, output_options, print_notes, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import writing

_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command(short_help="Assign labelled images to test, val and other splits.")
@click.option("--test", type=_SHARE, metavar="SHARE", help="Share that `evaluate` measures on.")
@click.option(
    "--val", type=_SHARE, metavar="SHARE", help="Share that `tune` fits and calibrates on."
)
@click.option("--tune", type=_SHARE, metavar="SHARE", help="Share that `tune` only fits on.")
@click.option(
    "--calibrate", type=_SHARE, metavar="SHARE", help="Share that `tune` only calibrates on."
)
@click.option(
    "--by", default="source", show_default=True, metavar="source|folder|COLUMN",
    help="Keep images with the same value of this in one split (images of one subject always are).",
)  # fmt: skip
@click.option("--where", metavar="SQL", help="Only images that meet a condition (see `info`).")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random draw.")
@output_options
@click.pass_obj
def split(
    context: Context,
    test: float | None,
    val: float | None,
    tune: float | None,
    calibrate: float | None,
    by: str,
    where: str | None,
    seed: int,
    form: str,
) -> None:
    """Assign labelled images without a split to splits; the rest stay support, and vote.

    \b
    mediclip-index label split --test 0.3 --by folder
    mediclip-index label split --test 0.2 --val 0.2
    """
    given = {"test": test, "val": val, "tune": tune, "calibrate": calibrate}
    shares = {name: share for name, share in given.items() if share is not None}
    report = open_index(context).labels.split(shares, by=by, where=where, seed=seed)
    print_notes(report.notes)
    print_report(report, writing.LABELS, form)
