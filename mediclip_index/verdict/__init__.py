"""Similarities and votes → probabilities and evidence. Pure mathematics on numpy arrays."""

from mediclip_index.verdict.blend import blend, complete_votes
from mediclip_index.verdict.calibration import (
    LEAST,
    NEAREST,
    calibrated,
    conformal_sets,
    conformal_thresholds,
    fit_slope,
    images_needed,
    least_factor,
    log_loss,
    mean_distance,
    sharpen,
    strangeness,
    weighed,
)
from mediclip_index.verdict.decision import RULE, Decision, Voters, decide, joined, support
from mediclip_index.verdict.header import header_factors, header_vote, kind_factors
from mediclip_index.verdict.reasons import Reasons, explain
from mediclip_index.verdict.sentence import own_references, why
from mediclip_index.verdict.units import in_cosines, in_spreads, unrelated
from mediclip_index.verdict.votes import vote_weights, votes
from mediclip_index.verdict.words import Words, WordVectors, unit, word_vectors, zero_shot

__all__ = [
    "LEAST",
    "NEAREST",
    "RULE",
    "Decision",
    "Reasons",
    "Voters",
    "WordVectors",
    "Words",
    "blend",
    "calibrated",
    "complete_votes",
    "conformal_sets",
    "conformal_thresholds",
    "decide",
    "explain",
    "fit_slope",
    "header_factors",
    "header_vote",
    "images_needed",
    "in_cosines",
    "in_spreads",
    "joined",
    "kind_factors",
    "least_factor",
    "log_loss",
    "mean_distance",
    "own_references",
    "sharpen",
    "strangeness",
    "support",
    "unit",
    "unrelated",
    "vote_weights",
    "votes",
    "weighed",
    "why",
    "word_vectors",
    "zero_shot",
]
