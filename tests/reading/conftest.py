"""The broken files of the long fuzz run, for tests too."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

SOAKING = str(Path(__file__).parents[2] / "scripts" / "soaking")


def mutants() -> Any:
    """scripts/soaking/mutants.py."""
    return _module("mutants")


def fuzz() -> Any:
    """scripts/soaking/fuzz.py."""
    return _module("fuzz")


def pdf_figures() -> Any:
    """scripts/soaking/pdf_figures.py."""
    return _module("pdf_figures")


def displays() -> Any:
    """scripts/soaking/dicom_display.py."""
    return _module("dicom_display")


def _module(name: str) -> Any:
    if SOAKING not in sys.path:
        sys.path.insert(0, SOAKING)
    return import_module(name)
