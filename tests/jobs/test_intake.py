"""Reading ahead: in order, within bounds, and past whatever kills a reader; commits beside it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from mediclip_index import Index
from mediclip_index.catalog import provenance
from mediclip_index.encoding import OpenClipEncoder, load_encoder
from mediclip_index.reading import RECIPE, content_hash, pool
from mediclip_index.reading.pool import Readers, ReadSpec, entry_of
from mediclip_index.types import Entry, Silent


@pytest.fixture(scope="module")
def encoder(tiny_model: str) -> OpenClipEncoder:
    return load_encoder(tiny_model, recipe=RECIPE)


@pytest.fixture
def entries(pile: Path) -> list[Entry]:
    return [entry_of(str(path)) for path in sorted(pile.iterdir())]


class Asked(list[str]):
    """Knows no content, and remembers which it was asked for."""

    def __contains__(self, sha256: object) -> bool:
        self.append(str(sha256))
        return False


def settled(asked: Asked) -> int:
    """How many were asked for, once no more come."""
    before = -1
    while len(asked) != before:
        before = len(asked)
        time.sleep(0.4)
    return before


def test_files_come_in_order_framed_for_the_model(
    entries: list[Entry], encoder: OpenClipEncoder
) -> None:
    many = entries * 5
    with Readers(3) as readers:
        loaded = list(readers.ahead(many, ReadSpec(encoder)))
    assert [item.entry for item in loaded] == many
    assert [item.sha256 for item in loaded] == [
        content_hash(Path(entry.path).read_bytes()) for entry in many
    ]
    assert {item.pictures[0].pixels.shape for item in loaded} == {(32, 32, 3)}
    assert {(item.pictures[0].width, item.pictures[0].height) for item in loaded} == {(100, 60)}


def test_no_more_is_read_ahead_than_may_wait(
    entries: list[Entry], encoder: OpenClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One picture that waits is enough; two more may have been begun before it was read.
    monkeypatch.setattr(pool, "AHEAD_BYTES", 1)
    asked = Asked()
    with Readers(2) as readers:
        files = readers.ahead(entries, ReadSpec(encoder), known=asked)
        next(files)
        assert settled(asked) <= 4
        assert len(list(files)) == len(entries) - 1
    monkeypatch.setattr(pool, "AHEAD_BYTES", 1 << 30)
    monkeypatch.setattr(pool, "AHEAD", 3)
    asked.clear()
    with Readers(2) as readers:
        files = readers.ahead(entries, ReadSpec(encoder), known=asked)
        next(files)
        assert settled(asked) <= 4


def test_a_file_that_kills_its_reader_costs_itself_alone(
    entries: list[Entry], encoder: OpenClipEncoder
) -> None:
    deadly = content_hash(Path(entries[5].path).read_bytes())

    class Killing(list[str]):
        def __contains__(self, sha256: object) -> bool:
            if sha256 == deadly:
                (worker,) = readers.workers
                os.kill(worker, signal.SIGKILL)
            return False

    with Readers(1) as readers:
        loaded = list(readers.ahead(entries, ReadSpec(encoder), known=Killing()))
    refused = [item for item in loaded if item.refused]
    assert [item.entry for item in refused] == [entries[5]]
    assert refused[0].refused[0].reason == "damaged"
    assert sum(len(item.pictures) for item in loaded) == len(entries) - 1


def test_leaving_early_does_not_wait_for_what_hangs(
    entries: list[Entry], encoder: OpenClipEncoder
) -> None:
    class Stopping(Asked):
        def __contains__(self, sha256: object) -> bool:
            super().__contains__(sha256)
            if len(self) > 1:
                for worker in readers.workers:
                    os.kill(worker, signal.SIGSTOP)
            return False

    asked = Stopping()
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Readers(1) as readers:
        next(readers.ahead(entries, ReadSpec(encoder), known=asked))
        settled(asked)
        raise KeyboardInterrupt
    assert len(asked) == 2
    # Far from the 30 s that the hanging file might take.
    assert time.monotonic() - before < ReadSpec(encoder).bounds.max_seconds / 2


class Interrupting(Silent):
    """Ctrl-C after so many files."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, count: int) -> None:
        self.left -= count
        if self.left == 0:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_what_is_whole_and_the_next_build_goes_on(index: Index, pile: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        index.build([str(pile)], batch_size=4, progress=Interrupting(7))
    kept = index.info().index.images
    # The first four were encoded; on a slow machine more were, for a commit that was due.
    assert 4 <= kept <= 7
    report = index.build([str(pile)])
    assert (report.unchanged, report.added, report.images) == (kept, 12 - kept, 12)


def test_what_goes_wrong_in_a_commit_ends_the_build_and_nothing_is_half_written(
    index: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = provenance.add_refusals

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(provenance, "add_refusals", full)
        with pytest.raises(OSError, match="no space left"):
            index.build([str(pile)], batch_size=2)
    assert provenance.add_refusals is real
    assert index.info().files == 0
    assert index.build([str(pile)]).added == 12
