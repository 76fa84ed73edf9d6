"""Vectors in the catalog → the neighbour file that answers for them."""

from __future__ import annotations

from mediclip_index import neighbours
from mediclip_index.catalog import derived, images
from mediclip_index.catalog.words import KnownEncoder
from mediclip_index.jobs.desk import Desk


def refresh_neighbours(desk: Desk, known: KnownEncoder) -> None:
    """Write the neighbour file anew where vectors came that it lacks, or where it is damaged."""
    with desk.catalog.reading() as look:
        file = derived.newest(look, known.fingerprint)
        if file is not None:
            try:
                neighbours.open_file(desk.catalog.folder, file)
                if not len(images.vectors(look, known, since=file.through_tx)[0]):
                    return
            except neighbours.Damaged:
                pass
        ids, vectors = images.vectors(look, known)
        through = look.tx
    if not len(ids):
        return
    unfinished = neighbours.write_file(desk.catalog.folder, ids, vectors)
    with desk.catalog.writing("neighbours", by=desk.author) as work:
        generation = derived.next_generation(work)
        derived.record(
            work,
            neighbours.place_file(
                unfinished,
                generation=generation,
                fingerprint=known.fingerprint,
                count=len(ids),
                through_tx=through,
            ),
        )
    neighbours.sweep(desk.catalog.folder, generation)
    desk.catalog.checkpoint()
