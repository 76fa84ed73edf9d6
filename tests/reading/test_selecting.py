"""Which files below a folder or in an archive are looked at, and what is said of the others."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from mediclip_index import reading
from mediclip_index.types import ScanOptions, UsageError


def photo() -> bytes:
    data = io.BytesIO()
    with Image.open(Path(skimage.data.__file__).parent / "chelsea.png") as picture:
        picture.resize((60, 40)).save(data, "PNG")
    return data.getvalue()


PHOTO = photo()
FILES = {
    "a.png": PHOTO,
    "ward/b.png": PHOTO,
    "ward/thumbs/c.png": PHOTO,
    "ward/d_mask.png": PHOTO,
    "notes.txt": b"The patient was seen.",
    "ward/b.json": b"{}",
    "ward/list.csv": b"path\n",
    "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(100),
    "ward/.hidden.png": PHOTO,
    ".git/e.png": PHOTO,
    "@eaDir/a.png": PHOTO,
    "ward/@EADIR/b.png": PHOTO,
    "node_modules/x/icon.png": PHOTO,
    "__MACOSX/ward/b.png": PHOTO,
    "System Volume Information/f.png": PHOTO,
    "$RECYCLE.BIN/g.png": PHOTO,
}
TAKEN = ["a.png", "ward/b.png", "ward/d_mask.png", "ward/thumbs/c.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pile"
    for name, data in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(data)
    return made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "pile.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in FILES.items():
            packed.writestr(name, data)
    return path


def taken(source: Path, **options: object) -> list[str]:
    found = reading.scan(str(source), options=ScanOptions(**options))  # type: ignore[arg-type]
    start = len(str(source)) + (2 if source.suffix == ".zip" else 1)
    return sorted(entry.path[start:] for entry in found.entries)


def test_what_is_no_picture_of_a_persons_own_is_passed_over(folder: Path, archive: Path) -> None:
    assert taken(folder) == taken(archive) == TAKEN


def test_what_is_passed_over_is_counted_by_its_kind(folder: Path, archive: Path) -> None:
    said = " ".join(reading.scan(str(folder)).notes)
    assert "2 hidden files or folders passed over" in said
    assert "6 folders of thumbnails and systems" in said
    assert "4 files beside pictures" in said
    inside = " ".join(reading.scan(str(archive)).notes)
    assert "3 hidden files or folders" in inside  # __MACOSX goes there
    assert "5 folders of thumbnails and systems" in inside
    assert "4 files beside pictures" in inside


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notes.txt", "1 file beside pictures (.txt, .json, .csv, …) passed over"),
        (".hidden.png", "1 hidden file or folder passed over"),
        (
            "@eaDir/a.png",
            "1 folder of thumbnails and systems (@eaDir, node_modules, …) passed",
        ),
    ],
)
def test_one_of_a_kind_is_said_in_the_singular(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"seen")
    (note,) = reading.scan(str(tmp_path)).notes
    assert note.startswith(said)
    (tmp_path / "nowhere").symlink_to(tmp_path / "not there")
    assert any("1 link that leads outside" in n for n in reading.scan(str(tmp_path)).notes)


def test_a_picture_that_is_called_text_is_read_in_a_folder(folder: Path) -> None:
    (folder / "photo.txt").write_bytes(PHOTO)
    (folder / "scan.log").write_bytes(bytes(128) + b"DICM" + bytes(50))
    assert {"photo.txt", "scan.log"} <= set(taken(folder))
    (named,) = reading.scan(str(folder / "photo.txt")).entries
    assert reading.read_file(named.path, size=224)[1].pictures


@pytest.mark.parametrize(
    ("exclude", "include", "expected"),
    [
        (("thumbs/",), (), ["a.png", "ward/b.png", "ward/d_mask.png"]),
        (("*_mask.png", "a.png"), (), ["ward/b.png", "ward/thumbs/c.png"]),
        (("ward/*.png",), (), ["a.png", "ward/thumbs/c.png"]),
        (("/b.png",), (), TAKEN),
        (("*.png", "!b.png"), (), ["ward/b.png"]),
        ((), ("ward/",), TAKEN[1:]),
        ((), ("*.jpg",), []),
        (("thumbs/",), ("ward/",), ["ward/b.png", "ward/d_mask.png"]),
    ],
)
def test_patterns_are_those_of_gitignore(
    exclude: tuple[str, ...], include: tuple[str, ...], expected: list[str], folder: Path,
    archive: Path,
) -> None:  # fmt: skip
    assert taken(folder, exclude=exclude, include=include) == expected
    assert taken(archive, exclude=exclude, include=include) == expected


def test_what_was_excluded_is_said_and_a_pattern_that_is_none_is_refused(folder: Path) -> None:
    options = ScanOptions(exclude=("thumbs/", "a.png"))
    notes = reading.scan(str(folder), options=options).notes
    assert any(note.startswith("2 files or folders by --exclude or --include") for note in notes)
    with pytest.raises(UsageError, match="pattern"):
        reading.scan(str(folder), options=ScanOptions(exclude=("!",)))


def test_links_that_lead_out_are_followed_where_that_was_asked_for(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "x.png").write_bytes(PHOTO)
    (folder / "there").symlink_to(outside)
    (folder / "one.png").symlink_to(outside / "x.png")
    (outside / "back").symlink_to(folder)
    (folder / "nowhere").symlink_to(outside / "gone")
    assert taken(folder) == TAKEN
    assert taken(folder, follow_links=True) == sorted([*TAKEN, "one.png", "there/x.png"])


@pytest.mark.parametrize("year", [1600, 2300, 2400])
def test_a_time_that_no_64_bits_hold_is_kept_as_the_last_that_they_do(
    year: int, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(PHOTO)
    seconds = (year - 1970) * 31_556_952
    try:
        os.utime(tmp_path / "a.png", (seconds, seconds))
    except (OSError, OverflowError):
        pytest.skip("this file system holds no such time")
    (entry,) = reading.scan(str(tmp_path)).entries
    assert -(1 << 63) <= entry.mtime_ns < 1 << 63


def stored(name: bytes, *, utf8: bool) -> bytes:
    """A ZIP of one picture, whose name is these bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("x" * len(name), PHOTO)
    out = bytearray(data.getvalue().replace(b"x" * len(name), name))
    if utf8:
        for mark, place in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
            out[out.index(mark) + place] |= 8
    return bytes(out)


@pytest.mark.parametrize(
    ("name", "utf8", "read"),
    [
        ("ward\\Röntgen.png".encode(), True, "ward/Röntgen.png"),
        ("ward\\Röntgen.png".encode(), False, "ward/Röntgen.png"),
        ("Röntgen.png".encode("cp437"), False, "Röntgen.png"),
        (b"ward\\a.png", False, "ward/a.png"),
    ],
)
def test_names_in_a_zip_are_read_whoever_wrote_them(
    name: bytes, utf8: bool, read: str, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(stored(name, utf8=utf8))
    assert taken(tmp_path / "a.zip") == [read]
    assert reading.read_bytes(f"{tmp_path}/a.zip!/{read}") == PHOTO


def test_a_program_may_stand_before_a_zip(tmp_path: Path, archive: Path) -> None:
    path = tmp_path / "self.zip"
    path.write_bytes(b"MZ" + bytes(5000) + archive.read_bytes())
    assert taken(path) == TAKEN
    (tmp_path / "self.exe").write_bytes(path.read_bytes())
    assert [e.path for e in reading.scan(str(tmp_path / "self.exe")).entries] == [
        str(tmp_path / "self.exe")
    ]


def test_a_tar_of_the_oldest_kind_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as packed:
        info = tarfile.TarInfo("ward/a.png")
        info.size = len(PHOTO)
        packed.addfile(info, io.BytesIO(PHOTO))
    block = bytearray(path.read_bytes())
    block[257:512] = bytes(255)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    path.write_bytes(block)
    assert b"ustar" not in block
    assert [e.path for e in reading.scan(str(path)).entries] == [f"{path}!/ward/a.png"]
    assert reading.read_bytes(f"{path}!/ward/a.png") == PHOTO
