"""A whole index is found whole; each way of breaking one is found, and mended or told how to."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.types import IndexUnavailable
from tests.jobs import broken
from tests.jobs.test_building import stored

# Dies on its first rename of a neighbour file, with all that came before done.
REPAIR_AND_DIE = """
import os, signal, sys
from mediclip_index import Index, neighbours

def dying(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)

neighbours.place_file = dying
Index.open(sys.argv[1]).repair()
"""


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: str, photographs: list[Image.Image]
) -> Path:
    """An index of twelve pictures, labelled in part, and three verdicts; never to be changed."""
    place = tmp_path_factory.mktemp("whole")
    (place / "pile").mkdir()
    for number, picture in enumerate(photographs[:12]):
        picture.save(place / "pile" / f"p{number:02}.png")
    index = Index.create(place / "index", model=tiny_model)
    index.build([str(place / "pile")])
    index.labels.set("medical", [1, 2, 3, 4])
    index.labels.set("non_medical", [5, 6, 7, 8])
    index.query([str(place / "pile" / f"p{n:02}.png") for n in (8, 9, 10)])
    return index.path


@pytest.fixture
def judged(whole: Path, tmp_path: Path) -> Index:
    """A copy of it, to be broken; its pictures are not."""
    return Index.open(shutil.copytree(whole, tmp_path / "copy"))


def kinds(index: Index) -> set[str]:
    return {f.kind for f in index.verify().findings}


def test_a_whole_index_is_whole_to_the_last_vector(judged: Index) -> None:
    report = judged.verify(deep=12)
    assert (report.ok, report.findings) == (True, ())
    assert report.checked["embedded_again"] == 12
    assert (report.checked["images"], report.checked["files"], report.checked["verdicts"]) == (
        12, 12, 3,
    )  # fmt: skip


def test_repair_of_a_whole_index_does_nothing(judged: Index) -> None:
    before = {p.name: p.read_bytes() for p in judged.path.glob("*.*")}
    report = judged.repair()
    assert (report.ok, report.mended) == (True, ())
    assert {p.name: p.read_bytes() for p in judged.path.glob("*.*")} == before


@pytest.mark.parametrize(("break_it", "kind"), broken.REPAIRED)
def test_what_can_be_made_again_is_found_and_repaired(
    break_it: Callable[[Index], None], kind: str, judged: Index
) -> None:
    vectors = stored(judged)
    break_it(judged)
    report = judged.verify()
    assert kind in {f.kind for f in report.findings}
    assert all("repair`" in f.mend for f in report.findings if f.kind == kind)
    repaired = judged.repair()
    assert repaired.mended
    assert repaired.findings == ()
    assert judged.repair().mended == ()
    again = stored(judged)
    assert again.keys() == vectors.keys()
    assert all(float(again[p] @ vectors[p]) > 0.9999 for p in vectors)
    assert judged.audit.verify().ok


@pytest.mark.parametrize(("break_it", "kind"), broken.TOLD)
def test_what_is_no_one_elses_to_make_is_told_and_left(
    break_it: Callable[[Index], None], kind: str, judged: Index
) -> None:
    break_it(judged)
    assert kind in kinds(judged)
    assert kind in {f.kind for f in judged.verify().findings if "mediclip-index" in f.mend}


def test_an_image_that_lay_nowhere_and_a_label_of_no_image_hold_nothing_up(judged: Index) -> None:
    before = judged.query_indexed(where="id = 12").verdicts[0]
    broken.orphan_label(judged)
    assert judged.query_indexed(where="id = 12").verdicts[0].votes == before.votes
    broken.image_nowhere(judged)
    assert {v.neighbours[0].id for v in judged.query_indexed().verdicts} <= set(range(1, 13)) - {3}
    assert {h.id for h in judged.search(["a cat"], k=20).results} == set(range(1, 13)) - {3}
    assert judged.build(prune=True, allow_missing=True).images >= 11


def test_no_unfinished_file_of_a_dead_process_stays(judged: Index) -> None:
    broken.leave_strays(judged)
    under_way = judged.path / "spool" / f".1-{os.getpid()}.jsonl"
    under_way.touch()
    judged.repair()
    left = [p for p in judged.path.rglob("*") if "4194399" in p.name]
    assert left == []
    assert under_way.exists()
    (kept,) = (judged.path / "aside").iterdir()  # of the spool, what there was of a verdict
    assert kept.read_bytes() == b'{"id": "ha\n'


def test_repair_leaves_a_broken_chain_as_it_is(judged: Index) -> None:
    broken.cut_chain(judged)
    report = judged.repair()
    assert (report.ok, report.mended) == (False, ())
    assert "backup --restore" in report.findings[0].mend


@pytest.mark.parametrize(("break_it", "kind"), broken.REFUSED)
def test_a_catalog_that_cant_be_read_is_told_with_the_next_command(
    break_it: Callable[[Index], None], kind: str, judged: Index
) -> None:
    break_it(judged)
    findings = judged.verify().findings
    assert [f.kind for f in findings] == [kind]
    assert "backup --restore" in findings[0].mend or "--upgrade" in findings[0].mend
    with pytest.raises(IndexUnavailable, match=r"backup|upgrade"):
        judged.repair()


def test_files_that_changed_or_went_are_counted_and_named(
    built: Index, pile: Path, photographs: list[Image.Image]
) -> None:
    photographs[30].save(pile / "p00.png")
    (pile / "p01.png").unlink()
    found = {f.kind: f.what for f in built.verify().findings}
    assert found.keys() == {"changed", "gone"}
    assert found["changed"].startswith("1 file ") and "p00.png" in found["changed"]
    assert found["gone"].startswith("1 file ") and "p01.png" in found["gone"]


def test_a_vector_of_another_picture_is_found_by_embedding_again(judged: Index) -> None:
    broken.sql(
        judged,
        "UPDATE vectors_1 SET vector = (SELECT vector FROM vectors_1 WHERE image = 7) "
        "WHERE image = 6",
    )
    judged.repair()  # the neighbour file follows the catalog
    assert judged.verify().ok
    assert kinds_deep(judged) == {"wrong_vector"}


def test_other_bytes_under_the_same_size_and_time_are_found(built: Index, pile: Path) -> None:
    file = pile / "p02.png"
    before = file.stat()
    broken.flip(file, before.st_size - 20)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert built.verify().ok
    assert kinds_deep(built) == {"changed"}


def kinds_deep(index: Index) -> set[str]:
    return {f.kind for f in index.verify(deep=12).findings}


def test_an_image_that_went_and_came_back_is_found_by_search_again(
    built: Index, pile: Path, photographs: list[Image.Image]
) -> None:
    away = pile.parent / "away.png"
    (pile / "p00.png").rename(away)
    photographs[30].save(pile / "new.png")
    built.build([str(pile)])  # writes the neighbour file while p00 is gone
    away.rename(pile / "p00.png")
    built.build([str(pile)])
    assert built.verify().ok
    hits = built.search(images=[str(pile / "p00.png")], k=13).results
    assert len(hits) == 13 and hits[0].path == str(pile / "p00.png")


def test_a_repair_that_was_killed_is_done_again(judged: Index) -> None:
    broken.lose_vectors(judged)
    broken.orphan_label(judged)
    broken.lose_neighbours(judged)
    victim = subprocess.run(
        [sys.executable, "-c", REPAIR_AND_DIE, str(judged.path)], timeout=120, check=False
    )
    assert victim.returncode == -signal.SIGKILL
    assert not judged.verify().ok
    assert judged.repair().findings == ()
    assert len(list((judged.path / "aside").glob("*labels*"))) == 1


def test_a_torn_spool_stops_queries_with_the_next_command_and_loses_no_verdict(
    judged: Index, pile: Path
) -> None:
    broken.tear_spool(judged)
    with pytest.raises(IndexUnavailable, match="repair"):
        judged.query([str(pile / "p11.png")])
    judged.repair()
    assert "nedical" not in next((judged.path / "aside").iterdir()).read_text()
    judged.query([str(pile / "p11.png")])
    assert {r.verdict.id for r in judged.audit.find()} >= {"0199-spooled"}
    assert judged.info().verdicts == 5


def test_a_vector_whose_file_is_gone_is_left_to_the_person(built: Index, pile: Path) -> None:
    broken.bend_vectors(built)
    (pile / Path(built.images.path_of(3)).name).unlink()
    report = built.repair()
    assert {f.kind for f in report.findings} == {"bad_vector", "gone"}
    shutil.rmtree(pile)
    assert {f.kind for f in built.repair().findings} == {"bad_vector", "gone"}
