"""Why a verdict is what it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediclip_index.types import HeaderVote, Neighbour, PromptMatch, ReferenceVote, Settings
from mediclip_index.verdict import (
    Reasons,
    Voters,
    blend,
    blend_votes,
    complete_votes,
    explain,
    vote_weights,
    votes,
    why,
)
from mediclip_index.verdict.zero_shot import Floats

SETTINGS = Settings(alpha=0.5, k=3, beta=10.0, near=0.4, unit="cosines")
COUNTS = np.array([20, 20])
BEHIND = COUNTS.astype(np.float64)


def asked(s: np.ndarray, c: np.ndarray, own: tuple[int, ...] | None = None) -> Voters:
    """Voters of one picture; `own` are the places of labelled images (None: all of them are)."""
    reference = np.array([own is not None and n not in own for n in range(len(s))], dtype=bool)
    return Voters(s[None].astype(np.float32), c[None].astype(np.int64), reference[None])


def verdict_without(
    words: np.ndarray, s: np.ndarray, c: np.ndarray, gone: tuple[int, ...]
) -> Floats:
    stay = [i for i in range(len(s)) if i not in gone][: SETTINGS.k]
    counts = COUNTS - np.bincount(c[list(gone)], minlength=2)
    weights = vote_weights(s[None, stay], c[None, stay], counts, beta=10.0, near=0.0)
    shares, voted = votes(weights, c[None, stay], counts)
    mixed: Floats = blend(words[None], complete_votes(shares, words[None], counts), voted, 0.5)[0]
    return mixed


def test_taking_the_named_neighbours_away_turns_the_verdict_and_fewer_do_not() -> None:
    words = np.array([0.4, 0.6])
    s = np.array([0.95, 0.94, 0.9, 0.89, 0.88], dtype=np.float32)
    c = np.array([0, 0, 1, 1, 1])
    reasons = explain(words, asked(s, c), BEHIND, SETTINGS)
    assert reasons.without
    assert reasons.otherwise == 1
    assert np.argmax(verdict_without(words, s, c, ())) == 0
    assert np.argmax(verdict_without(words, s, c, reasons.without)) == 1
    assert np.argmax(verdict_without(words, s, c, reasons.without[:-1])) == 0


def test_a_neighbour_beyond_k_steps_in_for_one_that_is_taken_away() -> None:
    # With only the k nearest the second class would be left with no opponent at all.
    words = np.array([0.45, 0.55])
    s = np.array([0.95, 0.94, 0.93, 0.93, 0.92, 0.91], dtype=np.float32)
    c = np.array([0, 0, 1, 0, 0, 0])
    reasons = explain(words, asked(s, c), BEHIND, SETTINGS)
    assert len(reasons.without) > 2


def test_words_that_carry_the_verdict_alone_can_not_be_turned_by_neighbours() -> None:
    reasons = explain(
        np.array([0.99, 0.01]),
        asked(np.array([0.9, 0.9]), np.array([0, 0])),
        BEHIND,
        SETTINGS,
    )
    assert reasons == Reasons(reasons.words_share, (), None)


def test_the_words_share_of_the_margin_is_one_where_no_neighbour_voted() -> None:
    none = np.array([], dtype=np.float32)
    reasons = explain(np.array([0.9, 0.1]), asked(none, none), BEHIND, SETTINGS)
    assert reasons.words_share == 1.0


def test_the_words_share_of_the_margin_is_their_part_of_the_sum() -> None:
    words = np.array([0.75, 0.25])
    s, c = np.array([0.9, 0.9], dtype=np.float32), np.array([0, 0])
    # words give 0.5 * 0.5, neighbours 0.5 * 1.0
    assert explain(words, asked(s, c), BEHIND, SETTINGS).words_share == pytest.approx(1 / 3)


def test_what_weighs_on_the_blend_afterwards_may_have_another_class_win() -> None:
    words = np.array([0.4, 0.6])
    s = np.array([0.95, 0.94, 0.9, 0.89, 0.88], dtype=np.float32)
    c = np.array([0, 0, 1, 1, 1])
    leaning = explain(words, asked(s, c), BEHIND, SETTINGS, lean=np.array([99.0, 1.0]))
    assert leaning.without == ()  # now the words and the header hold it without any neighbour


def test_no_single_neighbour_bears_a_verdict_and_many_do() -> None:
    words = np.array([[0.004, 0.996]])
    settings = Settings(alpha=0.95, beta=10.0, near=0.4, unit="cosines")

    def medical(voters: int) -> float:
        s = np.full(voters, 0.9)
        return float(blend_votes(words, asked(s, np.zeros(voters)), BEHIND, settings).blend[0, 0])

    assert medical(1) == pytest.approx(0.502)
    assert medical(1) < 0.6 < medical(2) == pytest.approx(0.95, abs=0.01)
    # One that is far heavier than all others gives hardly more.
    heavy = asked(np.array([1.0, *[0.45] * 9]), np.zeros(10))
    assert blend_votes(words, heavy, BEHIND, settings).blend[0, 0] < 0.56


@given(
    st.lists(st.tuples(st.floats(0.4, 1.0), st.integers(0, 1)), min_size=1, max_size=12),
    st.floats(0.4, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.05, 0.95),
)
def test_a_label_of_a_class_never_turns_a_picture_away_from_it(
    voters: list[tuple[float, int]], near: float, words: float, alpha: float
) -> None:
    settings = Settings(alpha=alpha, k=20, beta=20.0, near=0.4, unit="cosines")
    said = np.array([[words, 1 - words]])

    def medical(them: list[tuple[float, int]]) -> float:
        them = sorted(them, reverse=True)
        s, c = np.array([v[0] for v in them]), np.array([v[1] for v in them])
        return float(blend_votes(said, asked(s, c), BEHIND, settings).blend[0, 0])

    before, after = medical(voters), medical([*voters, (near, 0)])
    assert after >= min(before, 0.5) - 1e-6


def test_references_hold_a_verdict_as_well_and_are_never_named_as_what_would_turn_it() -> None:
    words = np.array([0.4, 0.6])
    s = np.array([0.95, 0.94, 0.93, 0.9, 0.89, 0.88], dtype=np.float32)
    c = np.array([0, 0, 0, 1, 1, 1])
    alone = explain(words, asked(s, c), BEHIND, SETTINGS)
    assert 0 in alone.without
    helped = explain(words, asked(s, c, own=(1, 2, 3, 4, 5)), BEHIND, SETTINGS)
    assert helped.otherwise == 1
    assert 0 not in helped.without
    held = explain(words, asked(s, c, own=(3, 4, 5)), BEHIND, SETTINGS)
    assert held.without == ()


def test_a_references_vote_counts_by_its_weight() -> None:
    words = np.array([[0.5, 0.5]])
    voters = asked(np.array([0.9, 0.9]), np.array([0, 1]), own=(0,))
    settings = Settings(alpha=1.0, beta=10.0, near=0.4, unit="cosines", reference_weight=0.25)
    decision = blend_votes(words, voters, BEHIND, settings)
    assert decision.blend[0] == pytest.approx([0.8, 0.2])
    assert blend_votes(words, voters, BEHIND, settings, np.zeros(1)).blend[0].tolist() == [0.5, 0.5]


LOUD = PromptMatch("a chest X-ray", "medical", "chest_xray", 0.4)


def test_the_sentence_names_words_neighbours_and_what_would_turn_it() -> None:
    near = [
        Neighbour(12, "a.png", 0.9, "medical", 0.7),
        Neighbour(13, "b.png", 0.8, "non_medical", 0.3),
    ]
    text = why("medical", 0.983, LOUD, near, Reasons(0.5, (0,), 1), "non_medical")
    assert text == (
        "Words give medical 98.3 % (closest: “a chest X-ray”); 1 of 2 labelled neighbours are "
        "medical (70.0 % of the votes); without #12 it would be non_medical."
    )


def test_the_sentence_names_the_neighbour_that_speaks_against_it() -> None:
    near = [Neighbour(292, "a.png", 0.9, "non_medical", 0.558)]
    text = why("medical", 0.9, LOUD, near, Reasons(0.5, (), None), None)
    assert (
        "0 of 1 labelled neighbours are medical (0.0 % of the votes); #292, labelled non_medical, "
        "has 55.8 % of the votes."
    ) in text


def test_the_sentence_says_when_nobody_voted() -> None:
    text = why("medical", 0.9999, LOUD, [], Reasons(1.0, (), None), None)
    assert "no labelled neighbour could vote" in text
    assert "> 99.9 %" in text


def test_the_sentence_says_what_the_models_own_references_say() -> None:
    own = [
        ReferenceVote("ultrasound", "a/b", "medical", 0.8, 0.5),
        ReferenceVote("ultrasound", "a/b", "medical", 0.7, 0.3),
        ReferenceVote("photo", "c/d", "non_medical", 0.7, 0.2),
        ReferenceVote("photo", "c/d", "non_medical", 0.1, 0.0),
    ]
    text = why("medical", 0.9, LOUD, [], Reasons(1.0, (), None), None, references=own)
    assert "2 of 3 of the model's own references are medical (ultrasound)" in text
    assert "no labelled neighbour" not in text


def test_words_that_were_outvoted_are_said_to_have_said_otherwise() -> None:
    own = [ReferenceVote("ct", "a/b", "medical", 0.8, 0.5)]
    header = HeaderVote("CT", "medical", 99.0)
    none = Reasons(None, (), None)
    rival = ("non_medical", 0.84)
    assert why("medical", 0.16, LOUD, [], none, None, False, own, header, rival) == (
        "Words alone say non_medical 84.0 % (medical 16.0 %, closest: “a chest X-ray”), but 1 of 1 "
        "of the model's own references are medical (ct); its DICOM header says CT, which is "
        "medical; that outweighs the words."
    )
    alone = why("medical", 0.16, LOUD, [], none, None, rival=rival)
    assert alone.startswith("Words give medical 16.0 %")
    assert "outweighs" not in alone
