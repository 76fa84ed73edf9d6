"""Options and steps that several commands share."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_type_hints

import click

from mediclip_index.cli.root import Context
from mediclip_index.show.text import safe, stderr_width, terminal_width, wrapped
from mediclip_index.show.writing import FORMATS, IDS, OutputStyle, ReportView, write
from mediclip_index.types import UsageError
from mediclip_index.types.options import Options, choices_of, flat_fields

if TYPE_CHECKING:
    from mediclip_index import Index

F = TypeVar("F", bound=Callable[..., Any])


def output_options(command: F) -> F:
    """--format, and --json for short; the command takes `form`."""
    return _formats(command, FORMATS, "Output format.")


def list_options(command: F) -> F:
    """As output_options, with the ids of images alone too, for commands that list some."""
    told = "Output format; ids can be piped to `label set CLASS -`."
    return _formats(command, (*FORMATS, IDS), told)


def _formats(command: F, formats: Sequence[str], told: str) -> F:
    command = click.option("--json", "form", flag_value="json", help="Short for --format json.")(
        command
    )
    return click.option(
        "--format", "form", type=click.Choice(formats), default="table", show_default=True,
        help=told,
    )(command)  # fmt: skip


def options_from(declared: type[Options], into: str = "options") -> Callable[[F], F]:
    """The options of a class of options, in its order; the command takes one value, `into`."""

    def decorate(command: F) -> F:
        fields = [one for one in flat_fields(declared) if "help" in one.metadata]

        @functools.wraps(command)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = {one.name: kwargs.pop(one.name) for one in fields}
            try:
                options = declared.changed(**given)
            except UsageError as error:
                raise click.UsageError(str(error)) from None
            return command(*args, **{into: options}, **kwargs)

        kinds = _types(declared)
        made: Any = call
        for one in reversed(fields):
            made = _click_option(one, kinds[one.name])(made)
        return cast(F, made)

    return decorate


def _types(declared: type[Options]) -> dict[str, Any]:
    """The types of all fields, those of options inside included."""
    kinds = get_type_hints(declared)
    for one in dataclasses.fields(declared):  # type: ignore[arg-type]  # all of them are
        if "inside" in one.metadata:
            kinds |= _types(one.metadata["inside"])
    return kinds


def _click_option(one: dataclasses.Field[Any], kind: Any) -> Callable[[F], F]:
    about = one.metadata
    flag = about.get("flag", "--" + one.name.replace("_", "-"))
    said: dict[str, Any] = {"help": about["help"], "metavar": about.get("metavar")}
    if about.get("show_default"):
        said["show_default"] = about["show_default"]
    parts = [part for part in (kind, *get_args(kind)) if part is not type(None)]
    if one.default_factory is dict:
        said |= {"multiple": True, "callback": _shares}
    elif isinstance(one.default, tuple):
        choices = choices_of(parts[-2] if len(parts) > 1 and parts[-1] is ... else kind)
        said |= {"multiple": True, "type": click.Choice(choices) if choices else str}
    elif bool in parts:
        said["default"] = one.default
        if "/" not in flag:
            said["is_flag"] = True
        if one.default is True:
            said["flag_value"] = False
    else:
        said["default"] = one.default
        said["show_default"] = about.get("show_default", one.default is not None)
        said["type"] = _click_type(kind, parts, about)
    return click.option(flag, one.name, **said)


class _Folder(click.Path):
    """A folder's path; one that is empty, as of a variable that is not set, is none."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return (
            self.fail("name a folder.", param, ctx)
            if value == ""
            else super().convert(value, param, ctx)
        )


def _click_type(kind: Any, parts: Sequence[Any], about: Mapping[str, Any]) -> Any:
    choices = choices_of(kind)
    if choices:
        return click.Choice(choices)
    if Path in parts:
        return _Folder(path_type=Path, file_okay=False)
    if "least" in about:
        return click.IntRange(about["least"], about.get("most"))
    return next(part for part in (int, float, str) if part in parts)


def _shares(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Any:
    """CLASS=SHARE, again and again, as a mapping."""
    found = {}
    for text in given:
        name, _, share = text.rpartition("=")
        try:
            found[name] = float(share)
        except ValueError:
            told = f"{parameter.opts[0]} {text}: write it as in medical=0.02."
            raise click.UsageError(told) from None
    return found


def references_option(command: F) -> F:
    """--no-references; the command takes `references`."""
    return click.option(
        "--no-references", "references", is_flag=True, flag_value=False, default=True,
        help="Leave out the labelled vectors that come with the model.",
    )(command)  # fmt: skip


def kind_option(text: str) -> Callable[[F], F]:
    """--kind, repeatable; the command takes `kinds`."""
    text += (
        " A family includes all its kinds: xray, ct, mri, ultrasound, endoscopy, microscopy "
        "…; =ultrasound is that kind alone."
    )
    return click.option("--kind", "kinds", multiple=True, metavar="KIND", help=text)


def told_kinds(index: Index, said: Sequence[str], prompts: str | None = None) -> tuple[str, ...]:
    """The kinds that --kind means; where one brings its relatives along, a note names them."""
    kinds = index.labels.known_kinds(said, prompts=prompts)
    for one in said:
        family = index.labels.known_kinds([one], prompts=prompts)
        if len(family) > 1:
            print_notes(
                [f"--kind {one}: {', '.join(family)}. One of them alone: --kind ={family[0]}."]
            )
    return kinds


def html_option(text: str) -> Callable[[F], F]:
    """--html FILE; a place that can't take the page is refused before any work is done for it."""

    def placed(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and not value.absolute().parent.is_dir():
            raise click.UsageError(f"--html {value}: there is no folder {value.parent}.")
        if value is not None and value.is_dir():
            raise click.UsageError(f"--html {value}: this is a folder; name a file.")
        return value

    return click.option(
        "--html", type=click.Path(path_type=Path), metavar="FILE", callback=placed, help=text
    )


def engine_options(command: F) -> F:
    """--engine and --precision; `open_index` goes by them."""

    def keep(ctx: click.Context, parameter: click.Parameter, value: str) -> None:
        setattr(ctx.obj, str(parameter.name), value)

    command = click.option(
        "--precision", type=click.Choice(["auto", "fp32", "bf16", "int8"]), default="auto",
        show_default=True, expose_value=False, callback=keep,
        help="Number format of the image encoder; auto is fp32, or bf16 where a test allows it.",
    )(command)  # fmt: skip
    return click.option(
        "--engine", type=click.Choice(["auto", "torch", "openvino"]), default="auto",
        show_default=True, expose_value=False, callback=keep, help="What the model runs on.",
    )(command)  # fmt: skip


def output_style(form: str) -> OutputStyle:
    """How to write: colours and a width only on a terminal, colours not where NO_COLOR is set."""
    terminal = sys.stdout.isatty()
    color = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    context = click.get_current_context().find_object(Context)
    you = context.you if context else ""
    return OutputStyle(form, terminal_width() if terminal else None, color, you)


def print_report(report: Any, shown: ReportView, form: str) -> None:
    """Write a report to stdout; names that are no UTF-8 go out as the bytes they are."""
    stream = sys.stdout.buffer
    stream.write(os.fsencode(write(report, shown, output_style(form))))
    stream.flush()


def print_notes(notes: Sequence[str]) -> None:
    """Notes for people go to stderr."""
    max_width = stderr_width()
    for note in notes:
        click.echo(wrapped(f"note: {safe(note)}", max_width, 6), err=True)


def print_page_note(file: Path, *, marks: bool = False) -> None:
    """Say that a page was written and, where pictures can be marked in it, what to do with that."""
    told = f"{file} was written: open it in a browser"
    if marks:
        told += (
            "; there 1, 2 … mark pictures, s saves marks.csv, and `mediclip-index label import "
            "marks.csv` takes them in"
        )
    click.echo(wrapped(safe(told) + ".", stderr_width()), err=True)


def write_gallery(
    file: Path, index: Index, page: Callable[..., str], report: Any, pictures: Mapping[Any, Any]
) -> None:
    """Write a report as a page of show/pages.py in which its pictures can be marked."""
    from mediclip_index.show import pages

    marks = pages.Marks(index.info().classes, index.labels.kinds())
    pages.write(file, page(report, pictures, marks))
    print_page_note(file, marks=True)


def session_options(context: Context) -> dict[str, Any]:
    """Who works on an index, and how its model runs."""
    return {
        "by": context.by,
        "device": context.device,
        "engine": context.engine,
        "precision": context.precision,
    }


def open_index(context: Context) -> Index:
    """The index that the command works on; IndexUnavailable where there is none."""
    from mediclip_index.index import Index

    index = Index.open(context.path, **session_options(context))
    context.you = index.author
    return index


def all_pages_option(command: F) -> F:
    """--all-pages; the command takes `all_pages`."""
    return click.option(
        "--all-pages", is_flag=True,
        help="Where a path holds several pictures (PDF, archive, frames), take all of them.",
    )(command)  # fmt: skip


def pictures(index: Index, values: Sequence[str], *, all_pages: bool = False) -> list[int]:
    """Ids of pictures as people name them: 12, #12, a path, or - for those on stdin (ids, or a path
    a line)."""
    words = [w for v in values for w in (_on_stdin() if v == "-" else [v])]
    return index.images.ids(words, all_pages=all_pages)


def _on_stdin() -> list[str]:
    words: list[str] = []
    for line in sys.stdin.read().splitlines():
        parts = line.split()
        ids_only = all(part.lstrip("#").isdecimal() for part in parts)
        words += parts if ids_only else [line]
    return words


def ids(values: Sequence[str]) -> list[int]:
    """Image ids as people type them: 12, #12, or - for those on stdin."""
    words = [w for v in values for w in (sys.stdin.read().split() if v == "-" else [v])]
    try:
        return [int(word.lstrip("#")) for word in words]
    except ValueError as error:
        raise click.UsageError(f"An image id is a number, as in #12 ({error}).") from None
