"""`audit`: what was said, when, and on what evidence."""

from __future__ import annotations

import click

from mediclip_index.cli.options import ids, open_index, options_from, output_options, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing
from mediclip_index.types import AuditFilter


@click.group()
def audit() -> None:
    """Look at past verdicts and their evidence, and check them.

    \b
    mediclip-index audit list --limit 5
    mediclip-index audit show 01a20b69-9718
    mediclip-index audit replay --last 100
    mediclip-index audit turned
    mediclip-index audit verify
    """


@audit.command("list")
@options_from(AuditFilter, "wanted")
@output_options
@click.pass_obj
def list_(context: Context, wanted: AuditFilter, form: str) -> None:
    """List past verdicts, newest first.

    \b
    mediclip-index audit list --unsure --since 2026-01-31
    """
    index = open_index(context)
    rows = index.audit.find(wanted)
    print_report(rows, writing.audit_list(index.info().index), form)


@audit.command(short_help="Show one past verdict with its evidence.")
@click.argument("verdict", metavar="ID")
@output_options
@click.pass_obj
def show(context: Context, verdict: str, form: str) -> None:
    """Show one past verdict with its evidence; the beginning of its id is enough.

    \b
    mediclip-index audit show 01a20b69-9718
    """
    print_report(open_index(context).audit.show(verdict), writing.AUDIT_ROW, form)


@audit.command(short_help="Compute past verdicts again, and list those that differ.")
@click.argument("verdicts", nargs=-1, metavar="[ID]...")
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the last N verdicts.")
@click.option(
    "--from-files", is_flag=True,
    help="Read and embed the files again, instead of using the stored vectors.",
)  # fmt: skip
@output_options
@click.pass_obj
def replay(
    context: Context, verdicts: tuple[str, ...], last: int | None, from_files: bool, form: str
) -> None:
    """Compute past verdicts again as of their time, and list those that differ.

    The labels, images, words and settings of that time are used. Ends with 1 if a verdict differs.

    \b
    mediclip-index audit replay --last 100
    mediclip-index audit replay 01a20b69-9718 --from-files
    """
    progress = TerminalProgress()
    report = open_index(context).audit.replay(
        verdicts, last=last, from_files=from_files, progress=progress
    )
    progress.finish()
    print_report(report, writing.REPLAY, form)
    if report.different:
        raise click.exceptions.Exit(1)


@audit.command(short_help="Which past verdicts today's labels would turn.")
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@output_options
@click.pass_obj
def turned(context: Context, images: tuple[str, ...], form: str) -> None:
    """Which past verdicts would be of another class by today's labels, words and settings.

    Looks at the latest verdict of each picture; with IMAGE ids only at those in which one of these
    images had a vote, or has one now. `query` gives such pictures a new verdict.

    \b
    mediclip-index audit turned
    mediclip-index audit turned 12 13
    """
    print_report(open_index(context).audit.turned(ids(images)), writing.TURNED, form)


@audit.command(short_help="Recompute the chain of hashes over all verdicts.")
@output_options
@click.pass_obj
def verify(context: Context, form: str) -> None:
    """Recompute the chain of hashes, to show that no verdict was changed or removed.

    Compare the head with one that you noted before: only that shows whether the newest verdicts
    were cut off.

    \b
    mediclip-index audit verify
    """
    report = open_index(context).audit.verify()
    print_report(report, writing.CHAIN, form)
    if not report.ok:
        raise click.exceptions.Exit(1)
