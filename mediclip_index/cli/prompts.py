"""`prompts`: the words that classes are known by."""

from __future__ import annotations

from pathlib import Path

import click

from mediclip_index.cli.options import open_index, output_options, print_notes, print_report
from mediclip_index.cli.root import Context
from mediclip_index.show import TerminalProgress, writing


@click.group()
def prompts() -> None:
    """List, add and test the sentences that describe the classes.

    \b
    mediclip-index prompts list
    mediclip-index prompts show medical > mine.toml
    mediclip-index prompts add mine.toml
    """


@prompts.command("list")
@output_options
@click.pass_obj
def list_(context: Context, form: str) -> None:
    """List the prompt sets of this index and of the package.

    \b
    mediclip-index prompts list
    """
    print_report(open_index(context).prompts.sets(), writing.PROMPT_SETS, form)


@prompts.command()
@click.argument("name", required=False)
@click.pass_obj
def show(context: Context, name: str | None) -> None:
    """Print a set as TOML (without NAME: the one in use).

    \b
    mediclip-index prompts show mediclip
    """
    click.echo(open_index(context).prompts.source(name), nl=False)


@prompts.command(short_help="Add a prompt set and use it.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--use/--no-use", default=True, show_default=True, help="Use it from now on.")
@output_options
@click.pass_obj
def add(context: Context, file: Path, use: bool, form: str) -> None:
    """Add a prompt set (a TOML file, or the name of a bundled set) and use it.

    A class is added by words alone: no picture is embedded again.

    \b
    mediclip-index prompts add mine.toml
    mediclip-index prompts add mediclip
    """
    facts = open_index(context).prompts.add(file, use=use)
    print_notes(facts.notes)
    print_report([facts], writing.PROMPT_SETS, form)


@prompts.command("try")
@click.argument("sentences", nargs=-1)
@click.option("--prompts", "name", metavar="SET", help="Try all sentences of this set.")
@click.option(
    "-k", type=int, default=10, show_default=True, help="Pictures to find for each sentence."
)
@output_options
@click.pass_obj
def try_(context: Context, sentences: tuple[str, ...], name: str | None, k: int, form: str) -> None:
    """Show which pictures each sentence finds.

    Without SENTENCES: what each sentence of the set is worth on the tune split, the most harmful
    first, and kinds that no labelled picture falls into.

    \b
    mediclip-index prompts try "an X-ray of a hand" "a photo of a hand"
    mediclip-index prompts try --prompts mediclip
    """
    index = open_index(context)
    trials = index.prompts.try_out(sentences, prompts=name, k=k)
    print_notes([note for trial in trials for note in trial.notes])
    if sentences or not index.info().labels:
        print_report(trials, writing.TRIALS, form)
        return
    progress = TerminalProgress()
    report = index.prompts.weigh(name, progress=progress)
    progress.finish()
    print_report(report, writing.worth(trials), form)
