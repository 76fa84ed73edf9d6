"""The broken files of the long fuzz run, for tests too."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def mutants() -> Any:
    """stress/mutants.py."""
    return _module("mutants")


def fuzz() -> Any:
    """stress/fuzz.py."""
    return _module("fuzz")


def pdf_figures() -> Any:
    """stress/pdf_figures.py."""
    return _module("pdf_figures")


def displays() -> Any:
    """stress/dicom_display.py."""
    return _module("dicom_display")


def _module(name: str) -> Any:
    return import_module(f"stress.{name}")
