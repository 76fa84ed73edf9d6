"""A DICOM header as a third voice, beside words and neighbours.

Who writes `Modality MR` into a file says that it shows a magnetic resonance image. That is strong
evidence, not proof: captures of screens bear the modality of what was on the screen, and test files
bear anything. So a header multiplies the odds of its class (Bayes' rule, where the odds are how
much more often a header of this kind stands over a picture of the class than over any other), and
inside the class those of the kinds that the modality can show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mediclip_index.types import HeaderVote
from mediclip_index.verdict.zero_shot import Floats, PromptEmbeddings

ODDS = 99.0
ODDS_OF_CAPTURES = 9.0  # secondary captures: of anything that was on a screen or a scanner's glass

_SKELETON = ("bone_xray", "chest_xray", "abdominal_xray", "vet_xray")
_EYE = ("fundus", "eye_photo")
# DICOM's defined terms (PS3.3, C.7.3.1.1.1) → the kinds of the bundled prompt set that they show.
# Those that tell nothing of a picture (OT, DOC, SC, REG, SEG, PR, KO ...) are left out.
KINDS_OF_MODALITY: dict[str, tuple[str, ...]] = {
    "CR": (*_SKELETON, "dental_xray"),
    "DX": (*_SKELETON, "dental_xray"),
    "RG": (*_SKELETON, "dental_xray"),
    "BMD": ("bone_xray",),
    "MG": ("mammography",),
    "IO": ("dental_xray",),
    "PX": ("dental_xray",),
    "CT": ("ct", "bone_ct", "body_ct", "ct_reconstruction"),
    "MR": ("mri", "spine_mri", "joint_mri", "body_mri", "heart_mri", "brain_mri"),
    "US": (
        "ultrasound", "organ_ultrasound", "fetal_ultrasound", "echocardiography", "doppler_trace",
    ),
    "IVUS": ("ultrasound", "organ_ultrasound"),
    "BDUS": ("ultrasound", "organ_ultrasound"),
    "XA": ("angiography", "fluoroscopy"),
    "RF": ("fluoroscopy", "angiography"),
    "NM": ("nuclear_medicine",),
    "PT": ("nuclear_medicine",),
    "OP": _EYE,
    "OPT": ("oct", "oct_angiography"),
    "OCT": ("oct", "oct_angiography"),
    "IVOCT": ("oct",),
    "OPTBSV": ("oct",),
    "OPTENF": ("oct",),
    "ES": ("endoscopy", "capsule_endoscopy", "airway_endoscopy", "organ_endoscopy", "laparoscopy"),
    "SM": ("histopathology", "immunohistochemistry", "whole_slide", "cytology", "blood_smear"),
    "GM": ("histopathology", "fluorescence_microscopy", "cell_microscopy"),
    "DMS": ("dermoscopy", "dermatology"),
    "ECG": ("ecg",),
    "EEG": ("eeg",),
}  # fmt: skip


def header_vote(modality: str, captured: bool, words: PromptEmbeddings) -> HeaderVote | None:
    """What a header says under a prompt set; None where the modality is "" or tells nothing, or the
    set has no kind that it could show. `captured`: the object is a secondary capture."""
    kinds = [k for k in KINDS_OF_MODALITY.get(modality, ()) if k in words.groups]
    if not kinds:
        return None
    label = words.classes[int(words.group_class[words.groups.index(kinds[0])])]
    return HeaderVote(modality, label, ODDS_OF_CAPTURES if captured else ODDS)


def header_factors(votes: Sequence[HeaderVote | None], classes: Sequence[str]) -> Floats:
    """Factors (n, c) on the odds of the classes; 1 where no header speaks."""
    factors = np.ones((len(votes), len(classes)))
    for row, vote in enumerate(votes):
        if vote is not None and vote.label in classes:
            factors[row, classes.index(vote.label)] = vote.odds
    return factors


def kind_factors(vote: HeaderVote | None, words: PromptEmbeddings) -> Floats:
    """Factors (g,) on the shares of the kinds; 1 where the header does not speak of one."""
    if vote is None:
        return np.ones(len(words.groups))
    shown = KINDS_OF_MODALITY.get(vote.modality, ())
    return np.where(np.isin(words.groups, shown), vote.odds, 1.0)
