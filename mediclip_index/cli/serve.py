"""`serve`: the page."""

from __future__ import annotations

import os
from pathlib import Path

import click

from mediclip_index.cli.options import engine_options, open_index, options_from
from mediclip_index.cli.root import Context
from mediclip_index.types import ServeOptions


@click.command()
@options_from(ServeOptions)
@engine_options
@click.pass_obj
def serve(context: Context, options: ServeOptions) -> None:
    """Open the index as a page in the browser: look, search, ask, review, map, audit.

    The first line of output is its address; it holds a token, so give it to nobody who may not
    label. Ctrl-C ends it.

    \b
    mediclip-index serve
    mediclip-index serve --port 8080 --no-browser --read-only
    """
    from mediclip_index.web.serving import serve as serve_page

    context.path = _only_index(context.path)
    index = open_index(context)
    index.info()  # says now, not in the browser, where the index can't be used

    def told(address: str) -> None:
        click.echo(address)
        click.echo(f"{index.path}, signed as {index.author}. Ctrl-C ends it.", err=True)

    serve_page(index, options, told)


def _only_index(path: Path) -> Path:
    """Where there is no index at the default place, but one beside it (the demo's), that one."""
    from mediclip_index import Index

    named = click.get_current_context().find_root().params.get("path")
    if named is not None or os.environ.get("MEDICLIP_INDEX") or Index.exists(path):
        return path
    beside = [folder for folder in path.parent.glob("*") if Index.exists(folder)]
    if len(beside) != 1:
        return path
    click.echo(f"There is no index at {path}; this is {beside[0]}.", err=True)
    return beside[0]
