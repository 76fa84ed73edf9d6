"""The README is true: its tour runs and prints what it says, and no command is left out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click
import pytest
import skimage.data

from mediclip_index.cli.root import cli
from tests.journeys.readme_tour import PAGES, README, gist, run, steps


def test_the_tour_prints_what_its_pages_say(tmp_path: Path) -> None:
    tour = [step for page in PAGES for step in steps(page.read_text("utf-8"))]
    assert len(tour) >= 10
    for step in tour:
        printed = gist(run(step.command, tmp_path))
        assert printed == gist("\n".join(step.output)), step.command


def test_every_command_is_in_the_readme() -> None:
    text = README.read_text("utf-8")
    for name in cli.list_commands(click.Context(cli)):
        assert f"mediclip-index {name}" in text, name


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = Path(skimage.data.__file__).parent / "chelsea.png"
    (tmp_path / "photos").mkdir()
    shutil.copy(photo, tmp_path / "photos" / "cat.png")
    shutil.copy(photo, tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    example = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert example is not None
    exec(compile(example.group(1), "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("non_medical 0.9")
