"""Fixtures that several rooms share: the bench where there is one, and a folder to work in."""

from __future__ import annotations

import os

# Several OpenMP runtimes (torch, FAISS, scikit-learn) live in one process here: idle threads of one
# must not spin on the cores that another needs. Set before the first of them is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mediclip_index.reading import workers
from mediclip_index.types import Vectors

# What makes a process that is started without site report what it runs to coverage.py.
_MEASURED = "; import coverage; coverage.process_startup(); from mediclip_index.reading.worker"


@pytest.fixture(scope="session")
def bench() -> Path:
    """The folder of $MEDICLIP_BENCH (dev.csv, formats.csv and their pictures)."""
    folder = os.environ.get("MEDICLIP_BENCH")
    if not folder:
        pytest.skip("MEDICLIP_BENCH is not set: it names a folder with dev.csv and its pictures")
    path = Path(folder)
    assert (path / "dev.csv").is_file(), f"MEDICLIP_BENCH={folder} has no dev.csv"
    return path


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test sees or fills the user's cache; models made ready for an engine are shared by all."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def reading_is_measured() -> Iterator[None]:
    """Where coverage is measured, it is in the processes that read files as well."""
    with pytest.MonkeyPatch.context() as patch:
        if "COVERAGE_PROCESS_CONFIG" in os.environ:
            start = workers._START.replace("; from mediclip_index.reading.worker", _MEASURED)
            assert start != workers._START
            patch.setattr(workers, "_START", start)
        yield
        if workers._ForkServer._one is not None:
            workers._ForkServer._one.end()  # its coverage is counted with the tests


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


def unit_rows(rng: np.random.Generator, count: int, dim: int) -> Vectors:
    rows = rng.standard_normal((count, dim)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
