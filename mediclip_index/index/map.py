"""All images in two dimensions, like beside like: `index.map`."""

from __future__ import annotations

from typing import Any

from mediclip_index.jobs import map as map_job
from mediclip_index.session.session import Session
from mediclip_index.types import MapOptions, MapPoints, MapReport, Progress, Silent, Vectors


class Map:
    """The map of an index: a derived file, which may be deleted at any time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(
        self,
        options: MapOptions | None = None,
        *,
        progress: Progress | None = None,
        **changes: Any,
    ) -> MapReport:
        """Make the map, or place on it what came since it was made; nothing that it shows moves
        unless there are twice the images that it was made of, or `anew` asks for it. Options are
        those of MapOptions, as one value or by name."""
        chosen = MapOptions.changed(options, **changes)
        return map_job.project(self._session, chosen, progress or Silent())

    def points(self) -> MapPoints | None:
        """Where the images lie that are there; None where there is no map, or one of another model.
        New images have no place until `make` was called again: `lacking` says how many."""
        return map_job.points(self._session)

    def place(self, vectors: Vectors) -> Vectors:
        """Where pictures would lie, (n, 2) from -1 to 1, by their unit vectors (n, dim). UsageError
        where there is no map."""
        return map_job.place(self._session, vectors)
