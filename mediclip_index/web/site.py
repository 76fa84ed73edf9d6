"""What all requests share: the index as each person signs it, its lists, previews and long work."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from pathlib import Path

from starlette.requests import Request

from mediclip_index.index import Index
from mediclip_index.types import MediclipError, Progress
from mediclip_index.web.tasks import Task, Tasks

LOG = logging.getLogger("mediclip_index.web")
_PEOPLE = 64  # whose index is kept open
_SETTLED = 1.0  # seconds without a change before all verdicts are given anew
_PATIENCE = 10.0  # seconds that long work has to stop when the page ends


class NotFound(MediclipError):
    """What was asked for is not there."""


class Site:
    """One index as a page has it."""

    def __init__(self, index: Index, *, read_only: bool = False) -> None:
        self.index = index
        self.read_only = read_only
        self.listing = index.images.listing()
        self.previews = index.images.previews()
        self.tasks = Tasks(self._after)
        self.uploads = Path(tempfile.mkdtemp(prefix="mediclip-uploads-"))
        self.encoding = threading.Lock()  # one picture or sentence at a time by the model
        self._people: OrderedDict[str, Index] = OrderedDict()
        self._guard = threading.Lock()
        self._changed = threading.Event()
        self._closing = False
        self._judge = threading.Thread(target=self._keep_judged, name="verdicts", daemon=True)

    def start(self) -> None:
        """Begin to load the model and to give the verdicts of all images, beside everything."""
        self._judge.start()
        self._changed.set()

    def close(self) -> None:
        self._closing = True
        self._changed.set()
        self.tasks.close(_PATIENCE)
        self.previews.close()
        shutil.rmtree(self.uploads, ignore_errors=True)

    def of(self, request: Request) -> Index:
        """The index, signed by who asks."""
        user: str | None = getattr(request.state, "user", None)
        if user is None or user == self.index.author:
            return self.index
        with self._guard:
            if user not in self._people:
                self._people[user] = self.index.signed_by(user)
            self._people.move_to_end(user)
            while len(self._people) > _PEOPLE:
                self._people.popitem(last=False)
            return self._people[user]

    def changed(self) -> None:
        """Labels or settings changed: verdicts are to be given anew."""
        self._changed.set()

    def _after(self, task: Task) -> None:
        self.changed()

    def _keep_judged(self) -> None:
        try:
            with self.encoding:
                self.index.encode_texts(["a picture"])
        except MediclipError:
            pass  # no model: lists without words still work, and the page says so where it matters
        while not self._closing:
            self._changed.wait()
            if self._closing:
                return
            self._changed.clear()
            time.sleep(_SETTLED if self.listing.judged_through is not None else 0)
            if self._changed.is_set():
                continue
            try:
                self.listing.refresh(_Ending(self))
            except _Over:
                return
            except MediclipError:
                time.sleep(_SETTLED)
            except Exception:  # the next change is judged all the same
                LOG.exception("verdicts could not be given")

    @property
    def closing(self) -> bool:
        return self._closing


class _Over(Exception):
    """The page ends."""


class _Ending(Progress):
    """Lets work that nobody waits for end with the page."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def start(self, what: str, total: int | None) -> None:
        return None

    def advance(self, count: int) -> None:
        if self._site.closing:
            raise _Over

    def finish(self) -> None:
        return None
