"""`search`: find indexed pictures."""

from __future__ import annotations

import click

from mediclip_index.cli.options import engine_options, ids, opened, output_options, put, tell
from mediclip_index.cli.root import Context
from mediclip_index.show import writing


@click.command()
@click.argument("text", nargs=-1)
@click.option("--image", "images", multiple=True, metavar="FILE", help="Like this picture.")
@click.option("--like", multiple=True, metavar="ID", help="Like this indexed picture.")
@click.option("--not", "without", multiple=True, metavar="TEXT", help="Unlike this text.")
@click.option("--where", metavar="SQL", help="Only images that meet a condition (see `info`).")
@click.option(
    "-k", type=int, show_default="10; all, of --where alone with --format paths",
    help="How many results.",
)  # fmt: skip
@click.option("--min-similarity", type=float, metavar="S", help="Least cosine of a result.")
@engine_options
@output_options
@click.pass_obj
def search(
    context: Context,
    text: tuple[str, ...],
    images: tuple[str, ...],
    like: tuple[str, ...],
    without: tuple[str, ...],
    where: str | None,
    k: int | None,
    min_similarity: float | None,
    form: str,
) -> None:
    """Find indexed pictures by text, picture, id or condition, or a mix of them.

    A TEXT or FILE may carry a weight: "chest X-ray::2".

    \b
    mediclip-index search "chest X-ray"
    mediclip-index search --like 12 -k 5
    mediclip-index search "hand" --not "X-ray::0.5" --where "label = 'non_medical'"
    """
    listing = where is not None and form == "paths" and not (text or images or like or without)
    report = opened(context).search(
        text,
        images=images,
        like=ids(like),
        without=without,
        where=where,
        k=k if k is not None or listing else 10,
        min_similarity=min_similarity,
    )
    tell(report.notes)
    put(report, writing.SEARCH, form)
