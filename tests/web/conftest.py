"""An index of the samples, built once; a copy of it served for each module; a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from mediclip_index import Index
from tests.journeys.browser import FOUND
from tests.web.browsing import Served, Visit, serving, visiting


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the samples by the bundled model; nobody writes to it."""
    folder = tmp_path_factory.mktemp("page") / "samples"
    Index.create(folder).build()
    return folder


@pytest.fixture(scope="module")
def served(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A copy of it, served by `curator`."""
    folder = tmp_path_factory.mktemp("served") / "demo"
    shutil.copytree(samples, folder)
    with serving(folder) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. For a module alone: Playwright leaves an event loop running."""
    if FOUND is None:
        pytest.skip("no Chromium is installed: the page is tested in a real browser alone")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(
            executable_path=shutil.which(FOUND), args=["--no-sandbox", "--disable-gpu"]
        )
        yield one
        one.close()


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Visit]:
    """The page as a person has it open, 1280 by 800."""
    with visiting(browser, served) as one:
        yield one


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that the index does not hold: a part of one that it does."""
    file = tmp_path_factory.mktemp("picture") / "cup.png"
    coffee = Image.open(Path(skimage.data.__file__).parent / "coffee.png")
    coffee.crop((20, 20, 380, 380)).save(file)
    return file
