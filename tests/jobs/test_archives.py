"""An archive is a source like a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mediclip_index import Index
from mediclip_index.cli.copying import CopyReport, Wanted, copy


@pytest.fixture
def scans(tmp_path: Path, pile: Path) -> Path:
    return packed(tmp_path / "scans.zip", pile)


def packed(path: Path, pile: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(pile.iterdir()):
            archive.write(file, f"medical/{file.name}")
    return path


def test_its_members_are_images_that_are_not_read_again(index: Index, scans: Path) -> None:
    assert index.build([str(scans)]).added == 12
    assert index.build().unchanged == 12
    assert index.info().labels == {"medical": 12}
    assert index.images.path_of(1) == f"{scans}!/medical/p00.png"


def test_a_member_that_is_taken_out_is_gone_and_one_unpacked_is_the_same(
    index: Index, scans: Path, pile: Path
) -> None:
    index.build([str(scans)])
    (pile / "p00.png").unlink()
    packed(scans, pile)
    report = index.build([str(scans)])
    assert (report.gone, report.unchanged, report.added) == (1, 11, 0)
    assert index.build([str(pile)]).duplicates == 11
    scans.unlink()
    assert index.build([str(scans)], allow_missing=True).gone == 11
    assert index.info().index.images == 11


def test_a_damaged_archive_takes_nothing_with_it(index: Index, scans: Path) -> None:
    index.build([str(scans)])
    whole = scans.read_bytes()
    scans.write_bytes(whole[:500])
    report = index.build([str(scans)])
    assert (report.gone, [r.reason for r in report.refused]) == (0, ["damaged"])
    assert index.info().index.images == 12


def test_members_are_asked_and_copied_by_their_own_paths(
    index: Index, scans: Path, pile: Path, tmp_path: Path
) -> None:
    index.build([str(scans)])
    member = f"{scans}!/medical/p03.png"
    (verdict,) = index.query([member]).verdicts
    assert verdict.path == member
    assert all(n.path.startswith(f"{scans}!/medical/") for n in verdict.neighbours)
    assert index.search(images=[member], k=1).results[0].path == member
    out = tmp_path / "out"
    assert copy([Wanted(verdict.path)], out) == CopyReport(1, 0, ())
    gone = f"{scans}!/medical/none.png"
    assert copy([Wanted(gone)], out) == CopyReport(0, 0, (gone,))
    copied = out / "scans.zip" / "medical" / "p03.png"
    assert copied.read_bytes() == (pile / "p03.png").read_bytes()
    assert len(index.query([str(scans)]).verdicts) == 12


def test_an_index_of_an_archive_is_whole_until_the_archive_changes(
    index: Index, scans: Path, pile: Path
) -> None:
    index.build([str(scans)])
    whole = index.verify(deep=12)
    assert (whole.ok, whole.findings) == (True, ())
    (pile / "p00.png").unlink()
    packed(scans, pile)
    kinds = {finding.kind for finding in index.verify().findings}
    assert kinds == {"changed", "gone"}
