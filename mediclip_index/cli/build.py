"""`build`: take pictures in."""

from __future__ import annotations

from typing import Any, Literal

import click

from mediclip_index.cli.options import (
    engine_options,
    how,
    output_options,
    put,
    reading_options,
    tell,
)
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--model", metavar="M",
    help="For a new index: lite, ARCH:TAG, ARCH:FILE, hf-hub:NAME, local-dir:DIR or auto.",
)  # fmt: skip
@click.option("--prompts", metavar="SET", help="For a new index: medical, mediclip or a TOML file.")
@click.option(
    "--labels", default="auto", show_default=True, metavar="auto|none|FILE.csv",
    help="Labels from folder names, none, or from a CSV list.",
)  # fmt: skip
@click.option(
    "--hash-paths", is_flag=True,
    help="For a new index: store salted hashes instead of paths, since paths can hold patients' "
    "names. This can't be undone, and --copy-to and `build` without SOURCE don't work then. "
    "Columns of a CSV are stored as they are.",
)  # fmt: skip
@reading_options
@click.option("--rehash", is_flag=True, help="Read files again even if they seem unchanged.")
@click.option("--allow-missing", is_flag=True, help="Accept that missing files were deleted.")
@click.option(
    "--prune",
    is_flag=True,
    help="Remove images whose files are gone; they don't come back if the file does.",
)
@click.option(
    "--reread", is_flag=True,
    help="Read again the files that an earlier version read differently.",
)  # fmt: skip
@click.option(
    "--thumbnails", is_flag=True,
    help="Make the thumbnails that `duplicates` needs, for images of an earlier version.",
)  # fmt: skip
@click.option(
    "--batch-size", type=click.IntRange(1, 4096), default=32, show_default=True,
    help="Pictures per batch.",
)  # fmt: skip
@click.option(
    "--index-type", type=click.Choice(["auto", "exact", "compressed"]),
    help="How neighbours are searched from now on: exact compares all, compressed is for large "
    "indexes, auto chooses by size.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", show_default="one a core",
    help="Processes that read and decode files.",
)  # fmt: skip
@engine_options
@output_options
@click.pass_obj
def build(
    context: Context,
    sources: tuple[str, ...],
    model: str | None,
    prompts: str | None,
    labels: str,
    hash_paths: bool,
    reading: dict[str, Any],
    rehash: bool,
    allow_missing: bool,
    prune: bool,
    reread: bool,
    thumbnails: bool,
    batch_size: int,
    index_type: Literal["auto", "exact", "compressed"] | None,
    workers: int | None,
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
        _check_names(made, hash_paths)
        put(_taken_over(made), writing.BUILD, form)
        return
    new = not Index.exists(context.path)
    if new:
        index = _created(context, model or "auto", prompts or "medical", hash_paths)
    else:
        index = Index.open(context.path, **how(context))
        _check(index, model, prompts)
    _check_names(index, hash_paths)
    progress = TerminalProgress()
    try:
        report = index.build(
            sources,
            labels=labels,
            **reading,
            rehash=rehash,
            allow_missing=allow_missing,
            prune=prune,
            reread=reread,
            thumbnails=thumbnails,
            batch_size=batch_size,
            index_type=index_type,
            workers=workers,
            progress=progress,
        )
    except UsageError:
        if new:  # what can't be built leaves no index behind
            Index.discard(context.path)
        raise
    finally:
        progress.finish()
    tell(report.notes)
    put(report, writing.BUILD, form)
    if form == "table":
        click.echo("\nNext: mediclip-index summary, or mediclip-index search WORDS", err=True)
    if report.refused:
        raise click.exceptions.Exit(3)


def _created(context: Context, model: str, prompts: str, hash_paths: bool = False) -> Any:
    from mediclip_index.encoding import resolve_auto
    from mediclip_index.index import Index

    if model == "auto":
        model, why = resolve_auto()
        tell([why])
    return Index.create(
        context.path, model=model, prompts=prompts, hash_paths=hash_paths, **how(context)
    )


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


def _check(index: Any, model: str | None, prompts: str | None) -> None:
    """--model and --prompts are for new indexes; for an old one they may only agree with it."""
    from mediclip_index.types import UsageError

    facts = index.info()
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
