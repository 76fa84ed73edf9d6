"""The sample collection: really here, really pictures, honestly split, and nothing downloaded."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image

from mediclip_index import prompts
from mediclip_index.samples import Collection, collection
from mediclip_index.types import Entry

Grey = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def found() -> Collection:
    return collection()


def thumbnail(entry: Entry) -> Grey:
    """The picture, decoded by Pillow or pydicom alone, as 24 x 24 grey values in [0, 1]."""
    path = Path(entry.path)
    if path.suffix == ".dcm":
        pixels = pydicom.dcmread(path).pixel_array.astype(np.float64)
        if int(pydicom.dcmread(path).get("NumberOfFrames", 1)) > 1:
            pixels = pixels[0]
        pixels = pixels.mean(axis=2) if pixels.ndim == 3 else pixels
        low, high = np.percentile(pixels, [1, 99])
        grey = Image.fromarray(np.clip((pixels - low) / max(high - low, 1e-9), 0, 1) * 255)
    else:
        with Image.open(path) as picture:
            grey = picture.convert("RGBA").convert("L").convert("F")
    return np.asarray(grey.resize((24, 24), Image.Resampling.BOX), dtype=np.float64) / 255


def test_every_listed_picture_lies_in_the_installed_packages(found: Collection) -> None:
    assert found.notes == ()
    assert len(found.entries) == 38
    assert len({e.path for e in found.entries}) == 38


def test_every_entry_tells_the_files_own_size_and_time(found: Collection) -> None:
    for entry in found.entries:
        about = Path(entry.path).stat()
        assert Path(entry.path).is_absolute()
        assert (entry.size, entry.mtime_ns) == (about.st_size, about.st_mtime_ns)


def test_every_picture_opens_and_shows_something(found: Collection) -> None:
    for entry in found.entries:
        assert thumbnail(entry).std() > 0.01, entry.path


def test_labels_and_categories_are_classes_and_groups_of_the_default_set(
    found: Collection,
) -> None:
    groups = {c.name: {g.name for g in c.groups} for c in prompts.load_bundled("medical").classes}
    for entry in found.entries:
        assert entry.facts.label in groups
        assert entry.facts.attributes["category"] in groups[entry.facts.label], entry.path


def test_both_classes_stand_in_both_splits(found: Collection) -> None:
    counts = Counter((e.facts.label, e.facts.split) for e in found.entries)
    assert set(counts) == {
        (label, split) for label in ("medical", "non_medical") for split in ("support", "test")
    }
    assert min(counts.values()) >= 4


def test_every_picture_says_where_it_comes_from_and_on_what_terms(found: Collection) -> None:
    for entry in found.entries:
        for fact in ("origin", "licence", "shows", "package"):
            assert entry.facts.attributes[fact].strip(), (entry.path, fact)


def test_no_subject_stands_on_two_sides_of_a_split(found: Collection) -> None:
    splits = defaultdict(set)
    for entry in found.entries:
        if entry.facts.subject is not None:
            splits[entry.facts.subject].add(entry.facts.split)
    assert splits, "at least one subject has several pictures"
    assert all(len(found_in) == 1 for found_in in splits.values()), splits


def test_no_two_pictures_of_different_subjects_are_near_copies(found: Collection) -> None:
    def standard(entry: Entry) -> Grey:
        grey = thumbnail(entry).ravel()
        return np.asarray((grey - grey.mean()) / (grey.std() * np.sqrt(grey.size)))

    likeness = np.stack([standard(e) for e in found.entries])
    likeness = likeness @ likeness.T
    for i, j in zip(*np.nonzero(np.triu(likeness > 0.95, k=1)), strict=True):
        one, other = found.entries[i], found.entries[j]
        assert one.facts.subject is not None, (one.path, other.path)
        assert one.facts.subject == other.facts.subject, (one.path, other.path)


def test_a_missing_package_is_noted_and_passed_over() -> None:
    here = collection()
    first = here.entries[0]
    only = collection(
        {"scikit-image": lambda file: Path(first.path) if file == "retina.jpg" else None}
    )
    assert only.entries == (first,)
    (note,) = only.notes
    assert note.startswith("37 sample pictures are left out, not in the packages installed here: ")
    assert "pydicom/CT_small.dcm" in note


def test_a_picture_that_was_changed_since_it_was_labelled_is_left_out(tmp_path: Path) -> None:
    other = tmp_path / "retina.jpg"
    other.write_bytes(b"not the retina that was looked at")
    only = collection({"scikit-image": lambda file: other if file == other.name else None})
    assert only.entries == ()
    assert only.notes[1] == (
        "1 sample picture is left out, another picture in the packages installed here than the "
        "one labelled: scikit-image/retina.jpg."
    )


WATCHED = """
import sys

NOT = ("socket.__new__",)

def watch(event, args):
    # A socket that is made and bound here asks nobody: urllib3 does it when it is imported.
    if event in NOT or not event.startswith(("socket.", "urllib.Request", "subprocess.Popen")):
        return
    if event != "socket.bind" or args[1][0] not in ("::1", "127.0.0.1"):
        raise SystemExit(f"touched the network: {event}")

sys.addaudithook(watch)
"""


def watched(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WATCHED + code],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told(code: str, home: Path) -> list[str]:
    """The words that code prints, which may touch no network."""
    run = watched(code, home)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_nothing_reaches_for_the_network_nor_writes_to_the_home_folder(tmp_path: Path) -> None:
    code = (
        "from mediclip_index.samples import collection\n"
        "found = collection()\n"
        "print(len(found.entries), len(found.notes))"
    )
    assert told(code, tmp_path) == ["38", "0"]
    assert list(tmp_path.iterdir()) == []


def test_what_could_only_be_downloaded_counts_as_missing(tmp_path: Path) -> None:
    code = (
        "from mediclip_index.samples.packages import finders\n"
        "ways = finders()\n"
        "print(ways['pydicom']('RG1_UNCI.dcm'), ways['scikit-image']('skin.jpg'))"
    )
    assert told(code, tmp_path) == ["None", "None"]


def test_the_watch_on_the_network_would_notice(tmp_path: Path) -> None:
    run = watched("import socket\nsocket.create_connection(('127.0.0.1', 9))", tmp_path)
    assert run.returncode == 1 and "touched the network: socket." in run.stderr
