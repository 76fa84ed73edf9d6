"""`build`: take pictures in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from mediclip_index.cli.options import (
    engine_options,
    options_from,
    output_options,
    print_notes,
    print_report,
    session_options,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import writing
from mediclip_index.types import BuildOptions, CreateOptions


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@options_from(CreateOptions, "new")
@options_from(BuildOptions)
@engine_options
@output_options
@click.pass_obj
def build(
    context: Context,
    sources: tuple[str, ...],
    new: CreateOptions,
    options: BuildOptions,
    form: str,
) -> None:
    """Add pictures: folders, files, ZIP and TAR archives, or CSV lists.

    Without SOURCE, the sources of earlier builds are read again for changes; a new index gets the
    sample collection.
    Unchanged files are not read again, and a build that was killed goes on where it stopped.

    \b
    mediclip-index build photos/
    mediclip-index build scans.zip             # its members are scans.zip!/ward/a.png
    mediclip-index build list.csv              # path[,label][,split][,subject][,anything]
    mediclip-index build --model lite --labels none scans/ papers/
    mediclip-index --index indexes/new build EXPORT/     # an index from what `export` wrote
    """
    from mediclip_index.index import Index
    from mediclip_index.reading import is_there
    from mediclip_index.show import TerminalProgress
    from mediclip_index.types import UsageError

    for source in sources:
        if not is_there(source) and not Index.exists(context.path):
            raise UsageError(f"There is no file or folder {source} to build from.")
    if len(sources) == 1 and Index.is_export(sources[0]):
        made = Index.from_export(context.path, sources[0], by=context.by, device=context.device)
        _check_names(made, new.hash_paths)
        print_report(_taken_over(made), writing.BUILD, form)
        return
    fresh = not Index.exists(context.path)
    if fresh:
        index = _created(context, new)
    else:
        index = Index.open(context.path, **session_options(context))
        _check(index, new)
    _check_names(index, new.hash_paths)
    progress = TerminalProgress()
    try:
        report = index.build(sources, options, progress=progress)
    except UsageError:
        if fresh:  # what can't be built leaves no index behind
            Index.discard(context.path)
        raise
    finally:
        progress.finish()
    print_notes(report.notes)
    print_report(report, writing.BUILD, form)
    if form == "table":
        click.echo("\nNext: mediclip-index summary, or mediclip-index search WORDS", err=True)
    if report.refused:
        raise click.exceptions.Exit(3)


def _created(context: Context, new: CreateOptions) -> Any:
    from mediclip_index.encoding import resolve_auto
    from mediclip_index.index import Index

    if new.model in (None, "auto"):
        model, why = resolve_auto()
        new = replace(new, model=model)
        print_notes([why])
    return Index.create(context.path, new, **session_options(context))


def _check_names(index: Any, hash_paths: bool) -> None:
    from mediclip_index.types import UsageError

    if hash_paths and not index.hashes_paths:
        raise UsageError(
            "This index keeps paths already; make another with --index DIR for hashes."
        )


def _taken_over(index: Any) -> Any:
    """The report of an index that was made from an export: every image is new to it."""
    from mediclip_index.types import BuildReport

    facts = index.info().index
    return BuildReport(
        index=facts, added=facts.images, unchanged=0, renamed=0, duplicates=0, gone=0, returned=0,
        labelled=0, refused=(), images=facts.images, seconds=0.0, images_per_second=0.0,
    )  # fmt: skip


def _check(index: Any, new: CreateOptions) -> None:
    """--model and --prompts are for new indexes; for an old one they may only agree with it."""
    from mediclip_index.types import UsageError

    facts, model, prompts = index.info(), new.model, new.prompts
    if model not in (None, "auto") and not facts.index.model.startswith(str(model)):
        raise UsageError(
            f"This index was made with the model {facts.index.model}, and vectors of two models "
            "can't meet; make another index with --index DIR for the other model."
        )
    if prompts not in (None, facts.prompts):
        raise UsageError(
            f"This index answers with the prompt set {facts.prompts}; change it with "
            f"`mediclip-index prompts add {prompts}`."
        )
