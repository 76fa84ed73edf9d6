"""Indexed images made small for a page, from their files, and kept beside the catalog."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from queue import SimpleQueue

from PIL import Image

from mediclip_index.catalog import images, previews, thumbnails
from mediclip_index.jobs.reread import Small, reread
from mediclip_index.reading.pool import Readers
from mediclip_index.session.session import Session
from mediclip_index.types import THUMBNAIL, Pixels, UsageError, WriteError

_AT_ONCE = 16
_QUALITY = 82
_Wanted = tuple[int, int, "Future[bytes | None]"]


class Previews:
    """Makes previews with processes that stay; one thread makes, any may ask. To be closed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: SimpleQueue[_Wanted | None] = SimpleQueue()
        self._readers: Readers | None = None
        self._closed = False
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="previews", daemon=True)
        self._thread.start()

    def get(self, image: int, side: int) -> bytes | None:
        """A JPEG whose longer side has at most `side` pixels; None where the file is gone or holds
        something else now. UsageError where the side is none of `previews.SIDES`."""
        if side not in previews.SIDES:
            raise UsageError(f"There are previews of {' and '.join(map(str, previews.SIDES))}.")
        kept = previews.get(self._session.catalog.folder, image, side)
        if kept is not None:
            return kept
        coming: Future[bytes | None] = Future()
        with self._guard:
            if self._closed:
                return None
            self._asked.put((image, side, coming))
        return coming.result()

    def grey(self, image: int) -> bytes | None:
        """The small grey picture that the catalog keeps, as PNG; None where it has none."""
        with self._session.catalog.reading() as read:
            kept = thumbnails.of(read, image)
        return None if kept is None else _png(kept)

    def close(self) -> None:
        with self._guard:
            self._closed = True
            self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        ended = False
        while not ended:
            first = self._asked.get()
            batch = [first]
            while len(batch) < _AT_ONCE and not self._asked.empty():
                batch.append(self._asked.get())
            ended = None in batch
            wanted = [one for one in batch if one is not None]
            for side in {side for _, side, _ in wanted}:
                self._make([one for one in wanted if one[1] == side], side)
        if self._readers is not None:
            self._readers.__exit__(None, None, None)

    def _make(self, wanted: Sequence[_Wanted], side: int) -> None:
        made: dict[int, bytes] = {}
        try:
            self._readers = self._readers or Readers()
            ids = sorted({image for image, _, _ in wanted})
            for file in reread(self._session, ids, Small(side), self._readers):
                made |= {i: _jpeg(picture.pixels) for i, picture in file.pictures.items()}
            with contextlib.suppress(
                OSError, WriteError
            ):  # a full or read-only disk: made anew each time
                keep(self._session, made, side)
        except BaseException as error:
            for _, _, coming in wanted:
                coming.set_exception(error)
            return
        for image, _, coming in wanted:
            coming.set_result(made.get(image))


def keep(session: Session, made: dict[int, bytes], side: int) -> None:
    """Keep previews of images that are known. A purge waits while it looks and writes, so that none
    is left of what was erased meanwhile."""
    with session.catalog.reading() as read:
        for image in images.images(read, list(made)):
            previews.put(session.catalog.folder, image, side, made[image])


def _jpeg(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def _png(grey: bytes) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("L", (THUMBNAIL, THUMBNAIL), grey).save(stream, "PNG")
    return stream.getvalue()
