"""`tune`: choose the numbers of the verdict, and calibrate it."""

from __future__ import annotations

import click

from mediclip_index.cli.options import opened, output_options, put, tell
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.command()
@click.option("--prompts", metavar="SET", help="Tune for another prompt set or TOML file.")
@click.option(
    "--optimise", "objective", default="log-loss", show_default=True, metavar="WHAT",
    help="What to optimise: log-loss, accuracy, f1 or recall-CLASS@precision=SHARE.",
)  # fmt: skip
@click.option(
    "--coverage", type=float, default=0.95, show_default=True,
    help="How often the classes that are not ruled out must include the true one.",
)  # fmt: skip
@click.option(
    "--prevalence", multiple=True, metavar="CLASS=SHARE",
    help="How frequent a class is in the pictures to be classified (repeatable).",
)  # fmt: skip
@click.option(
    "--leave-sources-out/--with-sources", default=None,
    help="Judge each image without its own source (default: where two sources are known).",
)  # fmt: skip
@click.option("--allow-duplicates", is_flag=True, help="Tune though splits share near-duplicates.")
@click.option("--allow-shared-subjects", is_flag=True, help="Tune though splits share subjects.")
@click.option(
    "--references/--no-references", default=None,
    help="Let the labelled vectors that the model brings along vote, or not (default: as it is).",
)  # fmt: skip
@click.option("--reset", is_flag=True, help="Go back to the default settings.")
@click.option("--dry-run", is_flag=True, help="Show what would be chosen, but save nothing.")
@output_options
@click.pass_obj
def tune(
    context: Context,
    prompts: str | None,
    objective: str,
    coverage: float,
    prevalence: tuple[str, ...],
    leave_sources_out: bool | None,
    allow_duplicates: bool,
    allow_shared_subjects: bool,
    references: bool | None,
    reset: bool,
    dry_run: bool,
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
        put(opened(context).reset_settings(), writing.SETTINGS, form)
        return
    progress = TerminalProgress()
    report = opened(context).tune(
        prompts=prompts,
        objective=objective,
        coverage=coverage,
        prevalence=_shares(prevalence),
        leave_sources_out=leave_sources_out,
        allow_duplicates=allow_duplicates,
        allow_shared_subjects=allow_shared_subjects,
        references=references,
        dry_run=dry_run,
        progress=progress,
    )
    progress.finish()
    tell(report.notes)
    put(report, writing.TUNE, form)


def _shares(given: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for text in given:
        name, _, share = text.rpartition("=")
        try:
            found[name] = float(share)
        except ValueError:
            raise click.UsageError(f"--prevalence {text}: write it as in medical=0.02.") from None
    return found
