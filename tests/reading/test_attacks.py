"""Input made to harm: each costs itself, in one sentence, and nothing that it holds is told."""

from __future__ import annotations

import gzip
import struct
import tarfile
import time
from pathlib import Path

import pytest

from mediclip_index import reading
from mediclip_index.reading import archives, lists
from mediclip_index.terms import WrongUsage

NAME = "Doe^Jane"


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME},1980-01-01\na.png,x\n",
        f"path,{NAME},{NAME}\na.png,1,2\n",
        f"path,page\na.png,{NAME}\n",
        f"path\na.png,{NAME}\n",
        f"path,note\na.png,{NAME + 'x' * 200_000}\n",
    ],
)
def test_a_list_that_is_refused_is_not_quoted(tmp_path: Path, text: str) -> None:
    table = tmp_path / "list.csv"
    table.write_text(text)
    with pytest.raises(WrongUsage) as caught:
        list(reading.label_rows(table))
    assert NAME not in str(caught.value)


@pytest.mark.parametrize("page", ["inf", "nan", "1e308", "-1", "0", "1.5", "2147483648"])
def test_a_page_that_no_file_has_is_wrong_usage(tmp_path: Path, page: str) -> None:
    table = tmp_path / "list.csv"
    table.write_text(f"path,page\na.png,{page}\n")
    with pytest.raises(WrongUsage, match="page is no number from 1"):
        list(reading.label_rows(table))


def test_cells_of_windows_code_page_are_text_as_any(tmp_path: Path) -> None:
    """What a catalog can keep: lone surrogates, which stand for other bytes, are no text."""
    (tmp_path / "Müller.png").touch()
    table = tmp_path / "list.csv"
    table.write_bytes("path;subject;Größe\nMüller.png;Müller;5 €\n".encode("cp1252"))
    (row,) = reading.label_rows(table)
    assert row.path == str(tmp_path / "Müller.png")
    assert row.facts.subject == "Müller"
    assert row.facts.attributes == {"Größe": "5 €"}
    table.write_bytes(b"path,note\na.png,\x81\xff\n")
    (row,) = reading.label_rows(table)
    assert row.facts.attributes == {"note": "\x81ÿ"}


def test_a_list_of_endless_lines_or_columns_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_LONGEST_LINE", 1000)
    long, later = tmp_path / "long.csv", tmp_path / "later.csv"
    long.write_text("path" + "y" * 2000)
    later.write_text("path\na.png" + "y" * 2000)
    for table in (long, later):
        with pytest.raises(WrongUsage, match="a line of over 1,000 letters"):
            list(reading.label_rows(table))
    monkeypatch.undo()
    wide = tmp_path / "wide.csv"
    wide.write_text("path," + ",".join(f"c{n}" for n in range(100_000)) + "\n")
    started = time.monotonic()
    with pytest.raises(WrongUsage, match="columns"):
        list(reading.label_rows(wide))
    assert time.monotonic() - started < 10


# --- archives -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("a")
    info.size, info.type = archives.MOST_HEADER + 1, kind
    path = tmp_path / "scans.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(1024**2 * 17), 1))
    (refusal,) = reading.scan(str(path)).refused
    assert (refusal.reason, "header" in refusal.message) == ("too_large", True)


def test_a_zip_that_lies_about_how_many_it_lists_is_refused_before_it_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + b"a"
    listed = entry * (archives.MOST_MEMBERS + 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(listed), 4, 0)
    path = tmp_path / "scans.zip"
    path.write_bytes(b"PK\3\4" + listed + end)
    monkeypatch.setattr("zipfile.ZipFile", None)
    (refusal,) = reading.scan(str(path)).refused
    assert (refusal.reason, "holds over" in refusal.message) == ("too_large", True)
