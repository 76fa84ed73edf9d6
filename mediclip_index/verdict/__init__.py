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
from mediclip_index.verdict.reasons import Reasons, explain
from mediclip_index.verdict.sentence import why
from mediclip_index.verdict.votes import vote_weights, votes
from mediclip_index.verdict.words import Words, WordVectors, unit, word_vectors, zero_shot

__all__ = [
    "LEAST",
    "NEAREST",
    "Reasons",
    "WordVectors",
    "Words",
    "blend",
    "calibrated",
    "complete_votes",
    "conformal_sets",
    "conformal_thresholds",
    "explain",
    "fit_slope",
    "images_needed",
    "least_factor",
    "log_loss",
    "mean_distance",
    "sharpen",
    "strangeness",
    "unit",
    "vote_weights",
    "votes",
    "weighed",
    "why",
    "word_vectors",
    "zero_shot",
]
