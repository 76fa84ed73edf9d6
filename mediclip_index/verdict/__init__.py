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
    ood_score,
    prior_corrected,
    sharpen,
    with_slope,
)
from mediclip_index.verdict.decision import (
    RULE,
    Blend,
    Decision,
    Rule,
    Voters,
    blend_votes,
    decide,
    joined,
    support,
)
from mediclip_index.verdict.families import EXACTLY, FAMILIES, family_of
from mediclip_index.verdict.header import header_factors, header_vote, kind_factors
from mediclip_index.verdict.reasons import Reasons, explain
from mediclip_index.verdict.sentence import own_references, why
from mediclip_index.verdict.units import in_cosines, in_spreads, unrelated
from mediclip_index.verdict.votes import vote_weights, votes
from mediclip_index.verdict.zero_shot import (
    PromptEmbeddings,
    ZeroShotScores,
    prompt_embeddings,
    unit,
    zero_shot,
)

__all__ = [
    "EXACTLY",
    "FAMILIES",
    "LEAST",
    "NEAREST",
    "RULE",
    "Blend",
    "Decision",
    "PromptEmbeddings",
    "Reasons",
    "Rule",
    "Voters",
    "ZeroShotScores",
    "blend",
    "blend_votes",
    "calibrated",
    "complete_votes",
    "conformal_sets",
    "conformal_thresholds",
    "decide",
    "explain",
    "family_of",
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
    "ood_score",
    "own_references",
    "prior_corrected",
    "prompt_embeddings",
    "sharpen",
    "support",
    "unit",
    "unrelated",
    "vote_weights",
    "votes",
    "why",
    "with_slope",
    "zero_shot",
]
