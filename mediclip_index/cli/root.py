"""The command `mediclip-index`: its options, its commands (loaded when called), its errors."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from mediclip_index import __version__

# name: (module, what --help says). The module is imported when its command is called.
COMMANDS = {
    "build": "Add pictures to the index: folders, files, CSV lists.",
    "query": "Classify pictures, with the evidence.",
    "search": "Find indexed pictures by text, picture, id, kind or condition.",
    "serve": "Open the index as a page in the browser.",
    "summary": "Count what is in the index, by class and kind.",
    "label": "Label pictures, by id, by path or from a CSV.",
    "prompts": "List, add and test the sentences that describe the classes.",
    "info": "Show what the index holds.",
    "tune": "Fit the classifier's settings to your labels, and calibrate it.",
    "settings": "List the classifier's settings, and choose which to use.",
    "evaluate": "Measure the accuracy of words, neighbours and both together.",
    "mistakes": "List what is classified wrong, and labels that look wrong.",
    "duplicates": "Find copies and near copies.",
    "compare": "Compare the classifier with other methods.",
    "audit": "Look at past verdicts and their evidence, and check them.",
    "verify": "Check the index for damage, and against the files on disk.",
    "repair": "Repair a damaged index.",
    "remove": "Remove pictures: reversibly, or for good with --purge.",
    "export": "Export everything to Parquet and CSV files.",
    "backup": "Back up everything to one file, or restore it.",
    "demo": "Take a tour with sample pictures.",
}
EPILOG = (
    "Exit codes: 0 (all done), 1 (a check found something), 2 (wrong usage), 3 (done, but some "
    "inputs were refused), 4 (no index, or it can't be used or "
    "written) or 5 (no model).\n\n"
    "Not a diagnostic device. Nothing is ever sent anywhere."
)


@dataclass
class Context:
    """What all commands share."""

    path: Path
    by: str | None
    device: str
    debug: bool
    engine: str = "auto"
    precision: str = "auto"
    you: str = ""  # who signs what is written, known once the index is open


class _SeenEnough(Exception):
    """The reader of a pipe was."""


@contextlib.contextmanager
def _pipes_watched() -> Iterator[None]:
    """click ends with 1 where a pipe was closed; what it doesn't know, it lets pass."""
    try:
        yield
    except BrokenPipeError:
        raise _SeenEnough from None


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that --help is quick."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _pipes_watched():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _pipes_watched():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._options_first(ctx, args))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"There is no command {name}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def _options_first(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments with options of the whole command (--index, say) that stand after a
        command's name moved before it, where the command has none of that name itself."""
        own = {name: p for p in self.params if isinstance(p, click.Option) for name in p.opts}
        place = _place_of_command(args, own)
        if place is None or args[place] not in COMMANDS:
            return args
        head, rest = args[: place + 1], args[place + 1 :]
        taken = _options_of(self.get_command(ctx, args[place]), rest)
        moved: list[str] = []
        left: list[str] = []
        while rest:
            word = rest.pop(0)
            if word == "--":
                left += [word, *rest]
                break
            option = own.get(word.split("=")[0])
            if option is None or word.split("=")[0] in taken:
                left.append(word)
                continue
            moved.append(word)
            if not option.is_flag and "=" not in word and rest:
                moved.append(rest.pop(0))
        return [*head[:-1], *moved, head[-1], *left]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return getattr(import_module(f"mediclip_index.cli.{cmd_name}"), cmd_name)  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _place_of_command(args: Sequence[str], own: Mapping[str, click.Option]) -> int | None:
    """Where the command's name stands: the first word that is no option and no option's value."""
    place = 0
    while place < len(args) and args[place].startswith("-"):
        option = own.get(args[place])
        place += 2 if option is not None and not option.is_flag else 1
    return place if place < len(args) else None


def _options_of(command: click.Command | None, words: Sequence[str]) -> set[str]:
    """The options that a command has, and the one of its own commands that the words name."""
    taken: set[str] = set()
    while command is not None:
        taken |= {name for p in command.params if isinstance(p, click.Option) for name in p.opts}
        inner = getattr(command, "commands", {})
        command = next((inner[word] for word in words if word in inner), None)
    return taken


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--index", "path", type=click.Path(path_type=Path, file_okay=True), metavar="DIR",
    help="The index folder (default: $MEDICLIP_INDEX, else ./indexes/default).",
)  # fmt: skip
@click.option("--by", metavar="NAME", help="Sign what is written with NAME (default: the OS user).")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto",
    show_default=True, help="Where the model runs.",
)  # fmt: skip
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="mediclip-index")
@click.pass_context
def cli(ctx: click.Context, path: Path | None, by: str | None, device: str, debug: bool) -> None:
    """Tell medical from non-medical pictures, with evidence and a record of every verdict.

    \b
    mediclip-index build photos/          add pictures to an index
    mediclip-index query photo.png        classify a picture
    mediclip-index search "chest X-ray"   find pictures by words
    """
    chosen = path or Path(os.environ.get("MEDICLIP_INDEX") or "indexes/default")
    # Threads that spin while they wait starve the readers of pictures; read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    ctx.obj = Context(chosen, by, device, debug)


def main() -> None:
    """Run the command; every error becomes one sentence and its exit code."""
    debug = "--debug" in sys.argv
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        for line in shown.getvalue().splitlines():
            click.echo(_printable(line), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("Stopped; what was committed is kept, and the same command goes on from there.")
        sys.exit(130)
    except (_SeenEnough, BrokenPipeError):
        # The reader of a pipe (`head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        _say(_sentence(error))
        sys.exit(getattr(error, "exit_code", 4 if isinstance(error, OSError) else 1))


def _say(text: str) -> None:
    from mediclip_index.show.text import stderr_width, wrapped

    click.echo(wrapped(f"Error: {_printable(text)}", stderr_width(), 7), err=True)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _sentence(error: Exception) -> str:
    if hasattr(error, "exit_code"):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        name: Any = error.filename or ""
        return f"{error.strerror}: {name}" if name else f"{error.strerror}."
    why = (str(error).strip().splitlines() or [""])[0]
    return (
        f"Unexpected {type(error).__name__}: {why} - please report it; with --debug the traceback "
        "is shown."
    )
