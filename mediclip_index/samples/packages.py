"""Where installed packages keep the pictures they carry. No function here reaches the network."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

Finder = Callable[[str], Path | None]


def finders() -> Mapping[str, Finder]:
    """The way to a package's file, by the package's name; None for a file that isn't there."""
    return {
        "scikit-image": _scikit_image,
        "scikit-learn": _scikit_learn,
        "pydicom": _pydicom,
        "networkx": lambda file: _inside("networkx", file),
        "sympy": lambda file: _inside("sympy", file),
    }


def _scikit_image(file: str) -> Path | None:
    # Its loading functions would download what the wheel doesn't hold, so only the folder of the
    # wheel is looked into; skimage.data.data_dir is a download cache where pooch is installed.
    try:
        return _existing(Path(str(files("skimage.data"))) / file)
    except ImportError:
        return None


def _scikit_learn(file: str) -> Path | None:
    try:
        from sklearn.datasets import load_sample_images
    except ImportError:
        return None
    paths = (Path(name) for name in load_sample_images().filenames)
    return next((_existing(path) for path in paths if path.name == file), None)


def _pydicom(file: str) -> Path | None:
    try:
        from pydicom.data import get_testdata_file
    except ImportError:
        return None
    found = get_testdata_file(file, download=False)
    return _existing(Path(found)) if isinstance(found, str) else None


def _inside(package: str, file: str) -> Path | None:
    """A file of a package that offers no function for it, found without importing the package."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    found = (_existing(Path(folder) / file) for folder in folders or ())
    return next((path for path in found if path is not None), None)


def _existing(path: Path) -> Path | None:
    return path.absolute() if path.is_file() else None
