"""Single images of an index: `index.images`."""

from __future__ import annotations

from collections.abc import Sequence

from mediclip_index.jobs import label as label_job
from mediclip_index.jobs import lookup as lookup_job
from mediclip_index.jobs import remove as remove_job
from mediclip_index.jobs import reread as reread_job
from mediclip_index.jobs.listing import Listing
from mediclip_index.jobs.previews import Previews
from mediclip_index.session.session import Session
from mediclip_index.types import Pixels, RemovedImage


class Images:
    """Where images of an index lie, and how they look."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ids(self, given: Sequence[str | int], *, all_pages: bool = False) -> list[int]:
        """The ids of pictures by id ("12", "#12") or path. UsageError where the index does not hold
        a path, or where that holds several pictures and not `all_pages` are asked for."""
        return lookup_job.image_ids(self._session, given, all_pages=all_pages)

    def path_of(self, image: int) -> str:
        """Where an indexed image lies, or lay when it was last seen."""
        return label_job.path_of(self._session, image)

    def thumbnails(self, ids: Sequence[int], side: int = 240) -> dict[int, Pixels]:
        """Indexed images by id, read from their files again (each its own page, frame or member),
        (h, w, 3) uint8, the longer side at most `side`; those whose file is gone are missing."""
        return reread_job.thumbnails(self._session, ids, side)

    def removed(self) -> tuple[RemovedImage, ...]:
        """The images that are removed now, by id: when, and by whom."""
        return remove_job.removed(self._session)

    def listing(self) -> Listing:
        """Lists of the images, for who asks again and again: verdicts are kept between them."""
        return Listing(self._session)

    def previews(self) -> Previews:
        """Small pictures of the images, made once and kept in the index folder; to be closed."""
        return Previews(self._session)
