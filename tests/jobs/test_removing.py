"""Images taken out: they stay out, come back whole when asked, or leave nothing but a tombstone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import Catalog, thumbnails
from mediclip_index.types import THUMBNAIL, AuditFilter, UsageError

PURGE_AND_DIE = """
import os, signal, sys
from mediclip_index import Index
from mediclip_index.catalog import Catalog

Catalog.rewrite = lambda self: os.kill(os.getpid(), signal.SIGKILL)
Index.open(sys.argv[1]).remove([1], what="purged")
"""


def id_of(index: Index, name: str) -> int:
    return index.search(where=f"path like '%/{name}'").results[0].id


def bytes_of(folder: Path) -> bytes:
    return b"\n".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def thumbnail_of(index: Index, image: int) -> bytes:
    with Catalog.open(index.path).reading() as read:
        ids, grey = thumbnails.thumbnails(read)
    return bytes(grey[ids.tolist().index(image)])


def test_an_index_keeps_a_small_grey_picture_of_every_image_and_hides_it_from_nobody(
    tmp_path: Path, pile: Path, tiny_model: str
) -> None:
    for name, hash_paths in (("named", False), ("hashed", True)):
        index = Index.create(tmp_path / name, model=tiny_model, hash_paths=hash_paths)
        index.build([str(pile)])
        with Catalog.open(index.path).reading() as read:
            ids, grey = thumbnails.thumbnails(read)
        assert ids.tolist() == list(range(1, 13))
        own = Image.open(pile / "p00.png").convert("L").resize((THUMBNAIL, THUMBNAIL))
        apart = np.abs(grey.astype(float) - np.asarray(own, dtype=float)).mean(axis=(1, 2))
        assert apart.min() < 6, "the thumbnail shows what the picture shows"


def test_a_removed_image_votes_no_more_and_stays_out(built: Index, pile: Path) -> None:
    medical = [id_of(built, f"p{n:02}.png") for n in range(4)]
    report = built.remove(medical)
    assert [i.id for i in report.images] == medical
    assert built.info().index.images == 8
    assert built.info().removed == 4
    assert built.info().labels == {"non_medical": 4}
    verdict = built.query([str(pile / "p00.png")]).verdicts[0]
    assert verdict.votes is None or verdict.votes["medical"] == verdict.zero_shot["medical"]
    assert not {n.id for n in verdict.neighbours} & set(medical)
    (pile / "copy.png").write_bytes((pile / "p00.png").read_bytes())
    again = built.build([str(pile)], rehash=True)
    assert (again.added, again.images) == (0, 8)
    assert built.verify().ok


def test_a_restored_image_has_its_vector_and_label(built: Index, pile: Path) -> None:
    first = id_of(built, "p00.png")
    before = built.vectors([first])
    built.remove([first])
    with pytest.raises(UsageError, match=f"#{first}"):
        built.remove(what="restored")
    assert len(built.remove([first, 5], what="restored").images) == 1
    hit = built.search(images=[str(pile / "p00.png")], k=1).results[0]
    assert (hit.id, hit.label) == (first, "medical")
    assert (built.vectors([first]) == before).all()


def test_a_dry_run_changes_nothing(built: Index) -> None:
    report = built.remove(where="label = 'medical'", dry_run=True)
    assert (len(report.images), report.dry_run) == (4, True)
    assert built.remove(where="label = 'medical'", what="purged", dry_run=True).images
    assert built.info().index.images == 12


def test_past_verdicts_replay_as_they_were_before_the_removal(built: Index, pile: Path) -> None:
    built.query([str(pile / "p10.png")])
    built.remove(where="label = 'medical'")
    report = built.audit.replay()
    assert (report.identical, report.different, report.purged) == (1, (), ())


def test_pruned_images_do_not_come_back_with_their_file(built: Index, pile: Path) -> None:
    away = pile.parent / "away.png"
    (pile / "p00.png").rename(away)
    report = built.build([str(pile)], prune=True)
    assert (report.gone, report.pruned, report.images) == (1, 1, 11)
    away.rename(pile / "p00.png")
    assert built.build([str(pile)], prune=True).images == 11
    built.remove([1], what="restored")
    assert built.info().index.images == 12


def test_a_source_that_is_suddenly_gone_is_not_pruned(built: Index, pile: Path) -> None:
    pile.rename(pile.with_name("unmounted"))
    report = built.build(prune=True)
    assert (report.pruned, report.images) == (0, 12)


def test_a_purge_leaves_no_byte_and_the_chain_holds(
    index: Index, pile: Path, photographs: list[Image.Image]
) -> None:
    secret = pile / "SECRETNAME.png"
    photographs[20].save(secret)
    table = pile.parent / "list.csv"
    names = ["SECRETNAME", *(f"p{n:02}" for n in range(12))]
    table.write_text(
        "path,label,ward\n"
        + "".join(f"pile/{n}.png,medical,{'SECRETWARD' if n[0] == 'S' else ''}\n" for n in names)
    )
    index.build([str(secret)])
    index.build([str(table)])
    of_it, beside, before = index.query([str(secret), str(pile / "p01.png"), "-"], stdin=(
        pile / "p02.png").read_bytes()).verdicts  # fmt: skip
    assert "SECRETNAME" in str(beside.neighbours)
    purge_set = id_of(index, "SECRETNAME.png")
    vector = index.vectors([purge_set])[0].tobytes()
    seen = thumbnail_of(index, purge_set)[1000:1200]
    for needle in (b"SECRETNAME", b"SECRETWARD", of_it.sha256.encode(), vector, seen):
        assert needle in bytes_of(index.path)
    (index.path / "catalog.duckdb.schema-2").write_bytes(b"SECRETNAME")
    secret.unlink()

    report = index.remove([purge_set], what="purged")
    assert (len(report.images), report.verdicts, report.on_disk) == (1, 3, ())
    for needle in (b"SECRETNAME", b"SECRETWARD", of_it.sha256.encode(), vector, seen):
        assert needle not in bytes_of(index.path)
    assert index.audit.verify().ok
    assert index.audit.verify().verdicts == 3
    assert {f.kind for f in index.verify().findings} == set()
    replayed = index.audit.replay()
    assert (replayed.replayed, replayed.different) == (0, ())
    assert {(d.id, d.what) for d in replayed.purged} == {
        (v.id, "purged") for v in (of_it, beside, before)
    }
    assert index.audit.replay([of_it.id]).purged[0].what == "purged"

    photographs[20].save(secret)
    again = index.query([str(secret)]).verdicts[0]
    assert again.sha256 == of_it.sha256
    assert purge_set not in {n.id for n in again.neighbours}
    assert index.build([str(secret)]).added == 1
    assert id_of(index, "SECRETNAME.png") > 13  # an id is never given again
    assert index.verify().ok


def test_a_purge_says_which_files_still_lie_on_disk(built: Index, pile: Path) -> None:
    report = built.remove([id_of(built, "p00.png")], what="purged")
    assert report.on_disk == (str(pile / "p00.png"),)
    assert "take" in report.notes[0]


def test_a_waiting_verdict_is_erased_with_the_image_that_it_names(built: Index, pile: Path) -> None:
    from mediclip_index.catalog import Catalog, audit

    built.query([str(pile / "p10.png")])
    catalog = Catalog.open(built.path)
    with catalog.reading() as read:
        ((body, _),) = audit.find(read, AuditFilter(limit=1))
    late = {**body, "id": "0199-late"}
    purge_set = body["neighbours"][0]
    built.remove([purge_set["id"]], what="purged")
    audit.put_in_spool(catalog.spool, [late])  # by a query that began before the purge
    built.query([str(pile / "p11.png")])
    assert purge_set["path"].encode() not in bytes_of(built.path)
    assert built.audit.verify().ok
    assert built.audit.verify().verdicts == 3


def test_a_purge_that_was_killed_is_told_and_finished_by_repair(built: Index) -> None:
    name = Path(built.images.path_of(1)).name.encode()
    victim = subprocess.run(
        [sys.executable, "-c", PURGE_AND_DIE, str(built.path)], timeout=120, check=False
    )
    assert victim.returncode == -signal.SIGKILL
    assert "purge" in {f.kind for f in built.verify().findings}
    with pytest.raises(UsageError, match="repair"):
        built.remove([1], what="purged")
    assert built.repair().ok
    assert b"/pile/" + name not in bytes_of(built.path)


def test_a_page_takes_its_whole_file_with_it(
    index: Index, pile: Path, photographs: list[Image.Image]
) -> None:
    photographs[20].save(pile / "pages.tif", save_all=True, append_images=photographs[21:23])
    index.build([str(pile)])
    page = index.search(where="page = 2").results[0].id
    assert len(index.remove([page]).images) == 1
    assert index.info().index.images == 14
    assert len(index.remove([page], what="purged").images) == 3
    assert index.info().index.images == 12


def test_a_path_that_is_no_utf8_is_purged_too(index: Index, pile: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(str(pile)) + b"/odd\xff.png"))
    (pile / "p00.png").rename(odd)
    index.build([str(pile)])
    index.query([str(odd)])
    i = next(h.id for h in index.search(where="id > 0", k=20).results if h.path == str(odd))
    index.remove([i], what="purged")
    assert b"/odd" not in bytes_of(index.path)
    assert index.audit.verify().ok


def test_an_index_from_which_all_was_purged_is_whole(built: Index) -> None:
    assert len(built.remove(where="id > 0", what="purged").images) == 12
    assert built.verify().ok
    assert built.info().neighbours == "none yet"


@pytest.mark.parametrize("spooled", [True, False])
def test_a_verdict_that_waits_for_a_purge_to_end_is_erased_too(
    spooled: bool, built: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediclip_index.catalog import Catalog, audit

    secret = pile / "SECRETNAME.png"
    (pile / "p00.png").rename(secret)
    built.build([str(pile)])
    built.query([str(secret)])  # a file, so that the verdict knows it by path and content alone
    catalog = Catalog.open(built.path)
    with catalog.reading() as read:
        ((body, _),) = audit.find(read, AuditFilter(limit=1))
    late = {**body, "id": "0199-late", "neighbours": []}
    rewrite = Catalog.rewrite

    waiting = [late]

    def rewrite_while_one_waits(self: Catalog) -> None:
        rewrite(self)
        if waiting and spooled:
            audit.put_in_spool(self.spool, [waiting.pop()])
        elif waiting:
            with self.writing("query", by="me") as write:
                audit.take_in(write, [waiting.pop()])

    monkeypatch.setattr(Catalog, "rewrite", rewrite_while_one_waits)
    built.remove([id_of(built, "SECRETNAME.png")], what="purged")
    assert b"SECRETNAME" not in bytes_of(built.path)
    assert body["sha256"].encode() not in bytes_of(built.path)
    assert built.audit.verify().ok
    assert built.audit.verify().verdicts == 2


def test_a_late_verdict_whose_erasure_was_killed_is_told_and_erased_by_repair(
    built: Index, pile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediclip_index.catalog import Catalog, audit

    secret = pile / "SECRETNAME.png"
    (pile / "p00.png").rename(secret)
    built.build([str(pile)])
    built.query([str(secret)])
    with Catalog.open(built.path).reading() as read:
        ((body, _),) = audit.find(read, AuditFilter(limit=1))
    rewrite, calls = Catalog.rewrite, []

    def killed_the_second_time(self: Catalog) -> None:
        calls.append(self)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rewrite(self)
        with self.writing("query", by="me") as write:
            audit.take_in(write, [{**body, "id": "0199-late", "neighbours": []}])

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Catalog, "rewrite", killed_the_second_time)
        built.remove([id_of(built, "SECRETNAME.png")], what="purged")
    assert not built.verify().ok
    assert built.repair().ok
    assert b"SECRETNAME" not in bytes_of(built.path)
    assert built.audit.verify().ok


def test_a_verdict_whose_body_is_erased_on_its_way_in_keeps_no_path(
    built: Index, pile: Path
) -> None:
    from mediclip_index.catalog import Catalog, audit

    secret = pile.parent / "SECRETNAME.png"
    secret.write_bytes((pile / "p10.png").read_bytes())
    built.query([str(secret)])
    catalog = Catalog.open(built.path)
    with catalog.reading() as read:
        ((body, _),) = audit.find(read, AuditFilter(limit=1))
    both = [id_of(built, "p10.png"), body["neighbours"][0]["id"]]
    built.remove(both, what="purged")
    late = {**body, "id": "0199-late", "path": "LATENAME.png"}
    audit.put_in_spool(catalog.spool, [late])
    built.query([str(pile / "p11.png")])
    assert b"LATENAME" not in bytes_of(built.path)
    assert built.audit.verify().ok


def test_a_removed_image_is_not_asked_for_by_its_id(built: Index) -> None:
    built.remove([3])
    with pytest.raises(UsageError, match="remove --restore 3"):
        built.search(like=[3])
    built.remove([3], what="restored")
    assert built.search(like=[3], k=1).results


def test_a_purge_leaves_no_name_in_a_kept_evaluation(index: Index, pile: Path) -> None:
    table = pile.parent / "list.csv"
    rows = [
        f"pile/p{n:02}.png,{'medical' if n % 2 else 'non_medical'},{'SECRETWARD' if n < 2 else 'A'}"
        for n in range(12)
    ]
    table.write_text("path,label,source\n" + "\n".join(rows))
    index.build([str(table)])
    number = index.evaluate(split="all").number
    assert b"SECRETWARD" in bytes_of(index.path)
    index.remove([id_of(index, "p00.png")], what="purged")
    assert b"SECRETWARD" in bytes_of(index.path)  # another picture's still
    index.remove([id_of(index, "p01.png")], what="purged")
    assert b"SECRETWARD" not in bytes_of(index.path)
    from mediclip_index.catalog import Catalog, evaluations

    with Catalog.open(index.path).reading() as read:
        kept = evaluations.find(read, number)["by"]["source"]
    assert {name: part["n"] for name, part in kept.items()} == {"A": 10, "(erased 1)": 2}


def test_a_condition_on_a_younger_column_brings_back_what_never_had_it(
    built: Index, pile: Path
) -> None:
    built.remove([1, 2])
    table = pile.parent / "wards.csv"
    table.write_text("path,ward\npile/p05.png,A\n")
    built.labels.from_csv(table, keep_columns=True)
    assert built.remove(where="ward = 'A'", what="restored").images == ()
    report = built.remove(where="ward is null and id = 1", what="restored")
    assert [i.id for i in report.images] == [1]


def test_images_are_removed_and_brought_back_by_what_they_are(built: Index) -> None:
    asked = "verdict = 'medical' and labelled_by is not null"
    medical = [h.id for h in built.search(where=asked, k=None).results]
    assert len(medical) == 4
    assert [i.id for i in built.remove(where=asked).images] == medical
    assert built.remove(where="verdict = 'non_medical'", what="restored").images == ()
    back = built.remove(where=asked, what="restored")
    assert [i.id for i in back.images] == medical
