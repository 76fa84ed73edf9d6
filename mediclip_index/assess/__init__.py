"""The judge: labelled images and past verdicts → better settings, figures, mistakes, replays."""

from mediclip_index.assess.changes import compared
from mediclip_index.assess.comparing import compare
from mediclip_index.assess.evaluating import evaluate
from mediclip_index.assess.mistakes import mistakes
from mediclip_index.assess.objectives import OBJECTIVES
from mediclip_index.assess.proposing import label_next
from mediclip_index.assess.replaying import replay
from mediclip_index.assess.sentences import weigh
from mediclip_index.assess.tuning import tune
from mediclip_index.assess.twins import duplicates

__all__ = [
    "OBJECTIVES",
    "compare",
    "compared",
    "duplicates",
    "evaluate",
    "label_next",
    "mistakes",
    "replay",
    "tune",
    "weigh",
]
