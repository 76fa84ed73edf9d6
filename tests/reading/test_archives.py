"""Archives are read in place, and what strangers wrote into them harms nobody."""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from mediclip_index import reading
from mediclip_index.reading import Unreadable, archives
from mediclip_index.types import Bounds, Entry, UsageError


def small(name: str) -> bytes:
    data = io.BytesIO()
    with Image.open(Path(skimage.data.__file__).parent / name) as picture:
        picture.resize((60, 40)).save(data, "PNG")
    return data.getvalue()


PHOTO, COFFEE = small("chelsea.png"), small("coffee.png")


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], how: str = "w") -> Path:
    with tarfile.open(path, how) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def names(entries: tuple[Entry, ...], within: Path) -> list[str]:
    return [entry.path.removeprefix(str(within)) for entry in entries]


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_members_are_sources_like_files(tmp_path: Path, suffix: str) -> None:
    members = {"b/photo.png": PHOTO, "a.png": COFFEE, "b/": b""}
    path = tmp_path / f"scans.{suffix}"
    if suffix == "zip":
        zipped(path, members)
    else:
        how = "w:" + suffix.partition(".")[2]
        tarred(path, {n: d for n, d in members.items() if d}, how.rstrip(":"))
    for source in (path, tmp_path):
        entries = reading.scan(str(source)).entries
        assert names(entries, path) == ["!/b/photo.png", "!/a.png"]
        assert [entry.size for entry in entries] == [len(PHOTO), len(COFFEE)]
        # In the other order too: a compressed archive is read forwards, and from its start again.
        for entry in (*entries, *reversed(entries)):
            assert reading.read_bytes(entry.path) in (PHOTO, COFFEE)
        assert reading.read_bytes(entries[0].path) == PHOTO


def test_a_member_is_named_by_a_path_of_its_own(tmp_path: Path) -> None:
    path = zipped(tmp_path / "scans.zip", {"ward/a.png": PHOTO})
    member = f"{path}!/ward/a.png"
    assert reading.is_there(member)
    assert not reading.is_there(f"{path}!/ward/b.png")
    assert [e.path for e in reading.scan(member).entries] == [member]
    with pytest.raises(UsageError, match=r"no file ward/b\.png"):
        reading.scan(f"{path}!/ward/b.png")
    table = tmp_path / "list.csv"
    table.write_text("path,label\nscans.zip!/ward/a.png,medical\nscans.zip!/gone.png,medical\n")
    found = reading.scan(str(table))
    assert [(e.path, e.facts.label) for e in found.entries] == [(member, "medical")]
    assert [r.path for r in found.refused] == [f"{path}!/gone.png"]


def test_folders_in_an_archive_label_its_members(tmp_path: Path) -> None:
    classes = ("medical", "non_medical")
    path = zipped(
        tmp_path / "train.zip", {"medical/a.png": PHOTO, "Non-Medical/b.png": PHOTO, "c.png": PHOTO}
    )
    for source in (path, tmp_path):
        facts = [e.facts for e in reading.scan(str(source), classes=classes).entries]
        assert [(f.label, f.split) for f in facts] == [
            ("medical", "train"), ("non_medical", "train"), (None, None),
        ]  # fmt: skip


def test_an_office_document_is_no_folder(tmp_path: Path) -> None:
    zipped(tmp_path / "letter.docx", {"word/media/image1.png": PHOTO})
    entries = reading.scan(str(tmp_path)).entries
    assert names(entries, tmp_path) == ["/letter.docx"]
    with pytest.raises(reading.Unreadable):
        reading.read_file(entries[0].path, size=224)


def test_what_is_not_a_plain_member_is_passed_over_or_refused_and_said(tmp_path: Path) -> None:
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("../../up.png", "/root.png", "ok.png", "ok.png", ".hidden.png", "in.zip"):
            info = tarfile.TarInfo(name)
            info.size = len(PHOTO)
            archive.addfile(info, io.BytesIO(PHOTO))
        for name, kind in (("link.png", tarfile.SYMTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found = reading.scan(str(path))
    assert names(found.entries, path) == ["!/ok.png"]
    assert sorted(r.path.removeprefix(str(path)) for r in found.refused) == [
        "!/../../up.png", "!//root.png",
    ]  # fmt: skip
    said = " ".join(found.notes)
    for what in ("1 hidden", "1 archive inside", "2 links, pipes", "1 member"):
        assert what in said


def test_of_two_members_of_one_name_the_later_counts(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.png", PHOTO)
        archive.writestr("a.png", COFFEE)
    (entry,) = reading.scan(str(path)).entries
    assert reading.read_bytes(entry.path) == COFFEE


def test_a_locked_member_is_refused_with_the_reason(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "open.zip", {"a.png": PHOTO}).read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1
    path = tmp_path / "locked.zip"
    path.write_bytes(data)
    found = reading.scan(str(path))
    assert found.entries == ()
    assert [r.reason for r in found.refused] == ["unsupported"]
    assert "password" in found.refused[0].message


@pytest.mark.parametrize("lie", [len(PHOTO) - 5, len(PHOTO) + 5])
def test_a_size_that_lies_is_found_out(tmp_path: Path, lie: int) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", {"a.png": PHOTO}).read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, lie)
    path = tmp_path / "lying.zip"
    path.write_bytes(data)
    (entry,) = reading.scan(str(path)).entries
    with pytest.raises(reading.Unreadable) as caught:
        reading.read_bytes(entry.path)
    assert caught.value.reason == "damaged"


def test_bombs_are_refused_before_they_unfold(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "small.zip", {"a.png": bytes(100_000)}).read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 0xFFFFFFF0)
    (tmp_path / "bomb.zip").write_bytes(data)
    many = bytearray(data[data.index(b"PK\5\6") :])
    struct.pack_into("<I", many, 12, 0x7FFFFFFF)
    (tmp_path / "many.zip").write_bytes(b"PK\3\4" + many)
    header = tarfile.TarInfo("a.png")
    header.size = 50 * 1024**3
    tarred(tmp_path / "bomb.tar.xz", {}, "w:xz")
    (tmp_path / "bomb.tar.xz").write_bytes(lzma.compress(header.tobuf() + bytes(1_000_000)))
    for name in ("bomb.zip", "many.zip", "bomb.tar.xz"):
        found = reading.scan(str(tmp_path / name))
        assert found.entries == (), name
        assert [r.reason for r in found.refused] == ["too_large"], name


def test_a_damaged_archive_is_one_refusal(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", {"a.png": PHOTO}).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 2])
    found = reading.scan(str(tmp_path))
    assert (found.entries, [r.reason for r in found.refused]) == ((), ["damaged"])


def test_members_come_whole_in_whatever_order_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compressed TAR is read forwards, and what is passed on the way is kept for a while."""
    members = {f"{n}.bin": bytes([n]) * (100 + n) for n in range(9)}
    members["large.bin"] = b"L" * 5_000
    path = tarred(tmp_path / "scans.tar.gz", members, "w:gz")
    monkeypatch.setattr(archives, "_ASIDE", 800)  # so that some of what was passed is let go
    for order in (list(members), list(members)[::-1], ["6.bin", "2.bin", "large.bin", "0.bin"]):
        for name in order:
            assert reading.read_bytes(f"{path}!/{name}") == members[name]


def test_a_link_in_a_zip_is_passed_over_and_counted(tmp_path: Path) -> None:
    path = zipped(tmp_path / "scans.zip", {"a.png": PHOTO})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("b.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = reading.scan(str(path))
    assert names(found.entries, path) == ["!/a.png"]
    assert any("1 link, pipe or device in archives" in note for note in found.notes)
    with pytest.raises(Unreadable, match=r"no file b\.png"):
        reading.read_bytes(f"{path}!/b.png")


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_of_too_many_files_is_refused(
    pack: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    for count, refused in ((3, False), (4, True)):
        path = pack(tmp_path / f"{count}.zip", {f"{n}.png": PHOTO for n in range(count)})
        found = reading.scan(str(path))
        assert len(found.entries) == (0 if refused else count)
        assert [r.reason for r in found.refused] == ["too_large"] * refused


@pytest.mark.parametrize("large", [False, True])
def test_a_zip_whose_list_of_members_would_fill_the_memory_is_refused(
    large: bool, tmp_path: Path
) -> None:
    """The list's length stands in the last record or, where it is over 4 GB, in the one before."""
    length = 5 * 1024**3 if large else archives.MOST_DIRECTORY + 1
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 0xFFFFFFFF if large else length, 0, 0)
    before = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, length, 0)
    path = tmp_path / "scans.zip"
    path.write_bytes(b"PK\3\4" + bytes(200) + (before if large else b"") + end)
    (refusal,) = reading.scan(str(path)).refused
    assert (refusal.reason, "too many files" in refusal.message) == ("too_large", True)


def test_a_member_over_the_bound_is_refused(tmp_path: Path) -> None:
    for path in (
        zipped(tmp_path / "a.zip", {"a": PHOTO}),
        tarred(tmp_path / "a.tar", {"a": PHOTO}),
    ):
        bound = Bounds(max_bytes=len(PHOTO))
        assert reading.read_bytes(f"{path}!/a", bound) == PHOTO
        with pytest.raises(Unreadable, match=f"at most {len(PHOTO) - 1:,} are read"):
            reading.read_bytes(f"{path}!/a", Bounds(max_bytes=len(PHOTO) - 1))


def test_a_pipe_that_is_called_an_archive_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scans.zip")
    assert not archives.is_archive(str(tmp_path / "scans.zip"))
    assert not archives.is_archive(str(tmp_path / "none.zip"))
    assert archives.is_archive(str(zipped(tmp_path / "empty.zip", {})))
