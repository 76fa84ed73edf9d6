"""A request that makes no sense is one sentence with a way on, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mediclip_index import Index
from mediclip_index.types import UsageError

REQUESTS: dict[str, tuple[Callable[[Index], Any], str]] = {
    "label nothing": (lambda i: i.labels.set(None, [1]), "a class, --kind, --split or --subject"),
    "label nobody": (lambda i: i.labels.set("medical", []), "Name the images by id"),
    "label a stranger": (
        lambda i: i.labels.set("medical", [1, 99]),
        "no image 99 in this index; nothing was changed",
    ),
    "a subject of odd bytes": (
        lambda i: i.labels.set(None, [1], subject="M\udcfcller"),
        "subject is no UTF-8",
    ),
    "a stranger's labels": (lambda i: i.labels.history(99), "no image 99"),
    "a stranger's path": (lambda i: i.images.path_of(99), "no image 99"),
    "a stranger's vector": (lambda i: i.vectors([1, 99]), "no image #99"),
    "no proposals": (lambda i: i.labels.next(0), "at least one image"),
    "remove both ways": (lambda i: i.remove([1], where="id = 2"), "not by both"),
    "remove nothing": (lambda i: i.remove(), "by id or by --where"),
    "remove a stranger": (lambda i: i.remove([98, 99]), "no image 98"),
    "restore by what is no condition": (
        lambda i: i.remove(where="nothing = 1", what="restored"),
        "nothing",
    ),
    "undo the last removal and more": (lambda i: i.remove([1], last=True), "--last undoes"),
    "restore without a name": (lambda i: i.remove(what="restored"), "removed are: none"),
    "search for too few": (lambda i: i.search(["a cat"], k=0), "from 1 to"),
    "search for nothing": (lambda i: i.search([" "]), "text to search for is empty"),
    "search with a folder": (lambda i: i.search(images=["."]), "is not one picture"),
    "try too many": (lambda i: i.prompts.try_out(["a cat"], k=1001), "from 1 to 1000"),
    "duplicates of anything": (lambda i: i.duplicates(least=0.0), "choose from 0.9 to 1"),
    "tune for all": (lambda i: i.tune(coverage=1.0), "choose from 0.5 to 0.999"),
    "tune on too few": (lambda i: i.tune(), "labelled images to tune on"),
    "evaluate a split that is not there": (
        lambda i: i.evaluate(split="tset"),
        "No labelled image is in the split 'tset'; `mediclip-index label split",
    ),
    "leave a column out": (lambda i: i.evaluate(leave_out=["ward"]), "Can't leave out 'ward'"),
    "compare for ever": (lambda i: i.compare(epochs=9), "1 to 5 epochs"),
    "compare on nothing": (lambda i: i.compare(), "must be labelled in the support and in 'test'"),
    "query nothing": (lambda i: i.query([]), "at least one picture"),
    "half a batch": (lambda i: i.build([], batch_size=2.5), "batch_size is 2.5"),
    "frames of no kind": (lambda i: i.build([], frames=3), "frames is 3"),
    "a number in words": (lambda i: i.search("x", k="x"), "k is 'x'"),
    "no number": (lambda i: i.search("x", min_similarity=float("nan")), "min_similarity is nan"),
    "a weight without end": (lambda i: i.search("x::inf"), "a weight is a number"),
    "an index type of no kind": (
        lambda i: i.build([], index_type="hnsw"),
        "no index type hnsw; give one of auto",
    ),
    "a verdict that was never given": (lambda i: i.audit.show("nobody"), "no verdict nobody"),
    "an evaluation that was never made": (lambda i: i.evaluations.compare(1, 2), "evaluation"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_refused_in_one_sentence_and_changes_nothing(name: str, built: Index) -> None:
    ask, says = REQUESTS[name]
    before = built.info()
    with pytest.raises(UsageError) as refused:
        ask(built)
    assert says in str(refused.value)
    assert built.info() == before


def test_removed_images_are_named_to_whom_restores_without_a_name(built: Index) -> None:
    built.remove([2, 5])
    with pytest.raises(UsageError, match="removed are: #2, #5"):
        built.remove(what="restored")


def test_the_beginning_of_an_id_must_mean_one_verdict(built: Index, pile: Path) -> None:
    given = built.query([str(pile / "p00.png"), str(pile / "p01.png")]).verdicts
    both = given[0].id[:8]
    assert given[1].id.startswith(both)
    with pytest.raises(UsageError, match="give more of the id"):
        built.audit.show(both)
    assert built.audit.show(given[1].id).verdict.path == given[1].path


def test_a_set_in_force_can_be_read_and_so_can_a_bundled_one(built: Index) -> None:
    sets = {facts.name: facts for facts in built.prompts.sets()}
    (in_force,) = [name for name, facts in sets.items() if facts.default]
    assert built.prompts.source() == built.prompts.source(in_force)
    assert "mediclip" in sets
    assert built.prompts.source("mediclip") != built.prompts.source(in_force)


def test_a_set_that_is_added_may_wait_to_be_used(built: Index) -> None:
    before = built.prompts.source()
    assert not built.prompts.add("mediclip", use=False).default
    assert built.prompts.source() == before
    assert built.prompts.add("mediclip", use=True).default
    assert built.prompts.source() == built.prompts.source("mediclip") != before
    (again,) = [facts for facts in built.prompts.sets() if facts.default]
    assert again.name == "mediclip"
