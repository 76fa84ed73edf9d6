"""`tune`: choose the numbers of the verdict, and calibrate it."""

from __future__ import annotations

import click

from mediclip_index.cli.options import (
    open_index,
    options_from,
    output_options,
    print_notes,
    print_report,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing
from mediclip_index.types import TuneOptions


@click.command()
@options_from(TuneOptions)
@click.option("--reset", is_flag=True, help="Go back to the default settings.")
@output_options
@click.pass_obj
def tune(
    context: Context,
    options: TuneOptions,
    reset: bool,
    form: str,
) -> None:
    """Fit the classifier's settings on the tune split, and calibrate on the calibrate split.

    With few labels the settings change little, and with fewer than 40 not at all; labels vote
    anyway.

    The test split is never used. If there is only `val`, half of it fits and half calibrates; if
    there is none of these splits, the support does both, by cross-fitting, with each image
    classified as if it were new.

    \b
    mediclip-index tune
    mediclip-index tune --coverage 0.99 --dry-run
    mediclip-index tune --reset
    mediclip-index tune --optimise recall-medical@precision=0.99 --prevalence medical=0.02
    """
    if reset:
        print_report(open_index(context).settings.reset(), writing.SETTINGS, form)
        return
    progress = TerminalProgress()
    report = open_index(context).tune(options, progress=progress)
    progress.finish()
    print_notes(report.notes)
    print_report(report, writing.TUNE, form)
