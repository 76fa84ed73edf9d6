"""What all requests share: the index as each person signs it, its lists, previews and long work."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from mediclip_index.catalog.files import alive
from mediclip_index.index import Index
from mediclip_index.types import InfoReport, MediclipError, Progress
from mediclip_index.web.tasks import Tasks

LOG = logging.getLogger("mediclip_index.web")
_UPLOADS = "mediclip-uploads-"
_PEOPLE = 64  # whose index is kept open
_SETTLED = 1.0  # seconds from a change until all verdicts are given anew, at least
_LONGEST_REST = 120.0  # seconds until a change shows in the verdicts of lists, at most
_LOOKED_FOR = 20.0  # seconds between looks for what other processes changed
_AGAIN = 5.0  # seconds until verdicts that could not be given are tried again
_FRESH = 5.0  # seconds for which the facts of an index hold
_JUST_NOW = 0.4  # seconds
_GIVE_WAY = 3.0  # seconds that work that nobody waits for gives way, at most, a piece
_PATIENCE = 10.0  # seconds that long work has to stop when the page ends


class NotFound(MediclipError):
    """What was asked for is not there."""


@dataclass(frozen=True)
class Facts:
    """What an index holds, when that was looked up, and its kinds, each with its class."""

    info: InfoReport
    kinds: dict[str, str]
    looked_up: float


class Site:
    """One index as a page has it."""

    def __init__(self, index: Index, *, read_only: bool = False) -> None:
        self.index = index
        self.read_only = read_only
        self.index_id = index.info().index.id
        self.listing = index.images.listing()
        self.previews = index.images.previews()
        self.tasks = Tasks(lambda task: self.changed())
        self.uploads = _uploads()
        self._facts: Facts | None = None
        self._touched = 0.0
        self._people: OrderedDict[str, Index] = OrderedDict()
        self._guard = threading.Lock()
        self._changed = threading.Event()
        self._over = threading.Event()
        self._judge = threading.Thread(target=self._keep_judged, name="verdicts", daemon=True)

    def start(self) -> None:
        """Begin to load the model and to give the verdicts of all images, beside everything."""
        self._judge.start()
        self._changed.set()

    def close(self) -> None:
        self._over.set()
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

    @property
    def facts(self) -> Facts:
        """What the index holds, as it was a moment ago."""
        kept = self._facts
        if kept is None or time.monotonic() - kept.looked_up > _FRESH:
            kept = Facts(self.index.info(), self.index.labels.kinds(), time.monotonic())
            self._facts = kept
        return kept

    def touch(self) -> None:
        """Somebody waits for the page now."""
        self._touched = time.monotonic()

    @property
    def waited_for(self) -> bool:
        """Whether somebody asked the page for anything just now."""
        return time.monotonic() - self._touched < _JUST_NOW

    def changed(self) -> None:
        """Labels or settings changed: verdicts are to be given anew."""
        self._changed.set()

    def _keep_judged(self) -> None:
        # Without a model lists without words still work, and the page says so where it matters.
        try:
            self.index.encode_texts(["a picture"])
        except MediclipError:
            pass
        except Exception:
            LOG.exception("the model could not be loaded")
        took = 0.0
        while not self.closing:
            self._changed.wait(_LOOKED_FOR)  # other processes label and build, too
            if self.closing:
                return
            if not self._changed.is_set() and not self.listing.behind():
                continue
            self._changed.clear()
            # Who labels one after another should not wait for a processor meanwhile.
            if self.listing.judged_through is not None and self._rest(max(_SETTLED, 2 * took)):
                return
            self._changed.clear()
            begun = time.monotonic()
            try:
                self.listing.refresh(_Ending(self))
                took = time.monotonic() - begun
            except _Over:
                return
            except Exception as error:
                if not isinstance(error, MediclipError):
                    LOG.exception("verdicts could not be given")
                self._rest(_AGAIN)
                self._changed.set()

    def _rest(self, seconds: float) -> bool:
        """Wait so long; whether the page ends."""
        return self._over.wait(min(seconds, _LONGEST_REST))

    @property
    def closing(self) -> bool:
        return self._over.is_set()


def _uploads() -> Path:
    """A new folder for uploads; those of pages that were killed are deleted."""
    for left in Path(tempfile.gettempdir()).glob(f"{_UPLOADS}*-*"):
        number = left.name.removeprefix(_UPLOADS).split("-")[0]
        if number.isdecimal() and not alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_UPLOADS}{os.getpid()}-"))


class _Over(Exception):
    """The page ends."""


class _Ending(Progress):
    """Lets work that nobody waits for end with the page, and give way to who waits for it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def start(self, what: str, total: int | None) -> None:
        return None

    def advance(self, count: int) -> None:
        end = time.monotonic() + _GIVE_WAY
        while self._site.waited_for and time.monotonic() < end and not self._site.closing:
            time.sleep(0.05)
        if self._site.closing:
            raise _Over

    def finish(self) -> None:
        return None
