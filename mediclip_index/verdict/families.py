"""Kinds of picture that people mean together: who asks for ultrasound wants hearts and wombs too.

A family is called by a name that people use for all of it. Where that is a kind as well, the kind
stands for its family; a kind that no family is called by stands for itself.
"""

from __future__ import annotations

from mediclip_index.verdict.header import KINDS_OF_MODALITY

EXACTLY = "="  # before a kind: that kind alone

_STAINED = ("histopathology", "immunohistochemistry", "whole_slide")
FAMILIES: dict[str, tuple[str, ...]] = {
    "xray": (
        "chest_xray", "abdominal_xray", "bone_xray", "dental_xray", "vet_xray", "mammography",
    ),
    "ct": KINDS_OF_MODALITY["CT"],
    "mri": KINDS_OF_MODALITY["MR"],
    "ultrasound": KINDS_OF_MODALITY["US"],
    "angiography": KINDS_OF_MODALITY["XA"],
    "oct": KINDS_OF_MODALITY["OCT"],
    "endoscopy": KINDS_OF_MODALITY["ES"],
    "histopathology": _STAINED,
    "microscopy": (
        *_STAINED, "cytology", "blood_smear", "microbiology", "fluorescence_microscopy",
        "cell_microscopy", "chromosomes",
    ),
    "dermatology": ("dermatology", "dermoscopy", "wound_photo"),
}  # fmt: skip
_FAMILY_OF = {kind: name for name, kinds in FAMILIES.items() for kind in kinds}


def family_of(kind: str | None) -> str:
    """The largest family that a kind belongs to; itself where it belongs to none."""
    return _FAMILY_OF.get(kind or "", kind or "")
