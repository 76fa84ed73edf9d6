"""`demo`: the tour."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mediclip_index.cli.build import _created
from mediclip_index.cli.options import open_index, output_style, print_notes, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import tables, writing
from mediclip_index.types import CreateOptions, Verdict

HELD_OUT = "split = 'test'"


@click.command()
@click.pass_obj
def demo(context: Context) -> None:
    """Take a tour with sample pictures: build, query, search, audit.

    \b
    mediclip-index --index indexes/demo demo
    """
    from mediclip_index.index import Index
    from mediclip_index.show import TerminalProgress

    step = _Steps(context.path)
    exists = Index.exists(context.path)
    index = open_index(context) if exists else _created(context, CreateOptions())
    step("Take the sample collection in (real pictures out of installed packages).", "build")
    progress = TerminalProgress()
    report = index.build(progress=progress)
    progress.finish()
    print_notes(report.notes)
    print_report(report, writing.BUILD, "table")
    model = index.info().index.model
    bundled = "the bundled model" if model.startswith("lite") else "the model"
    click.echo(f"\nAnswered by {bundled} {model}.")

    step(
        "What are the pictures that were held out? They never vote.",
        f'query --indexed --where "{HELD_OUT}"',
    )
    answers = index.query_indexed(where=HELD_OUT)
    print_report(answers, writing.QUERY, "table")

    telling = _telling(answers.verdicts)
    step("One of them, asked as a file of yours: all the evidence.", f"query {telling.path}")
    print_report(index.query([telling.path]), writing.QUERY, "table")

    step("Find pictures by words.", 'search "a CT scan of the head" -k 3')
    print_report(index.search(["a CT scan of the head"], k=3), writing.SEARCH, "table")

    step("Every verdict was kept, and the record can be checked.", "audit verify")
    print_report(index.audit.verify(), writing.CHAIN, "table")
    click.echo(f"\n{tables.NO_DEVICE}")
    click.echo("\nGo on with these pictures, or name a folder of your own after build:")
    click.echo(f"  mediclip-index --index {shlex.quote(str(context.path))} summary")
    click.echo("  mediclip-index build .")
    click.echo("\nOr look at them in the browser:")
    click.echo(f"  {_command(context.path)} serve")


def _command(path: Path) -> str:
    """How to call the command from here: by its place, where it is not on the PATH."""
    found = shutil.which("mediclip-index")
    here = Path(sys.argv[0])
    name = "mediclip-index" if found or here.name != "mediclip-index" else os.path.relpath(here)
    given = os.environ.get("MEDICLIP_INDEX")
    beside = path.absolute().parent == Path("indexes").absolute()
    # `serve` finds the only index in ./indexes by itself.
    named = "" if beside and not given else f" --index {shlex.quote(str(path))}"
    return f"{shlex.quote(name)}{named}"


def _telling(verdicts: Sequence[Verdict]) -> Verdict:
    """The surest medical verdict for which neighbours spoke too: it shows the most."""
    return max(verdicts, key=lambda v: (v.votes is not None, v.label == "medical", v.probability))


class _Steps:
    """Numbered headings, each with the command that does the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = 0

    def __call__(self, what: str, command: str) -> None:
        self._number += 1
        bold = tables.Style(output_style("table").color).bold
        click.echo(f"\n{bold(f'{self._number}. {what}')}")
        click.echo(f"   $ mediclip-index --index {self._path} {command}\n")
