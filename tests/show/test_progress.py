"""Progress is drawn on a terminal, with count and without one, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from mediclip_index.show import TerminalProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, total: int | None) -> str:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "stderr", stderr)
    progress = TerminalProgress()
    progress.start("a/pile [of] pictures", total)
    progress.advance(2)
    progress.finish()
    progress.advance(1)
    return stderr.getvalue()


def test_a_terminal_sees_what_is_read_and_how_much_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, Terminal(), 3)
    assert "a/pile [of] pictures" in text
    assert "2/3" in text


def test_without_a_total_no_count_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, Terminal(), None)
    assert "a/pile [of] pictures" in text
    assert "/?" not in text


def test_nothing_to_do_and_no_terminal_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn(monkeypatch, Terminal(), 0) == ""
    assert drawn(monkeypatch, io.StringIO(), 3) == ""
