"""What sentences are worth, and what leaks would do."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mediclip_index import Index, encoding
from mediclip_index.cli.root import cli
from mediclip_index.evaluate.leave_one_out import labelled, leave_one_out
from mediclip_index.types import Settings

WORDS = """
name = "four"
[classes.medical.groups]
fundus = ["a fundus photograph of a retina", "a photo of a kitten"]
histology = ["a histopathology slide"]
slide = ["a histopathology slide."]
[classes.non_medical.groups]
animal = ["a photo of a cat", "a cat's face"]
drink = ["a cup of coffee on a table"]
"""


def test_a_sentences_worth_is_what_the_set_without_it_would_do(
    mixed: Index, tmp_path: Path
) -> None:
    file = tmp_path / "four.toml"
    file.write_text(WORDS)
    report = mixed.prompts.weigh(str(file))
    assert (report.split, report.n) == ("tune", 32)
    kitten = next(s for s in report.sentences if s.prompt == "a photo of a kitten")
    losses = [s.loss_without for s in report.sentences]
    assert losses == sorted(losses)
    assert sum(g.images for g in report.groups) == 192
    assert {g.group for g in report.groups if g.images == 0} >= {"histology"}
    file.write_text(WORDS.replace(', "a photo of a kitten"]', "]").replace('"four"', '"three"'))
    mended = mixed.prompts.weigh(str(file))
    assert mended.log_loss - report.log_loss == pytest.approx(kitten.loss_without)
    right = round(32 * (mended.accuracy - report.accuracy))
    assert right == kitten.right_without


def test_the_command_shows_worth_for_a_set_and_pulls_for_sentences(
    mixed: Index, tmp_path: Path
) -> None:
    file = tmp_path / "four.toml"
    file.write_text(WORDS)
    call = ["--index", str(mixed.path), "prompts", "try", "--prompts", str(file), "--json"]
    shown = json.loads(CliRunner().invoke(cli, call, catch_exceptions=False).stdout)
    assert len(shown["trials"]) == 7
    losses = [row["loss_without"] for row in shown["worth"]["sentences"]]
    assert losses == sorted(losses)
    assert losses[0] < 0 < losses[-1]
    table = CliRunner().invoke(cli, call[:-1], catch_exceptions=False).stdout
    assert "no image falls into: histology" in table
    rows = CliRunner().invoke(cli, [*call[:-1], "--format", "csv"], catch_exceptions=False).stdout
    assert len(list(csv.DictReader(io.StringIO(rows)))) == 7


def test_twins_vote_only_where_they_are_asked_to(mixed: Index) -> None:
    data = labelled(mixed._session, Settings())
    first, twin = np.flatnonzero(data.votes)[:2]
    data.vectors[twin] = data.vectors[first]
    place = np.array([first])
    assert twin not in leave_one_out(data, place).neighbours[0, :1]
    assert leave_one_out(data, place, twins=True).neighbours[0, 0] == twin


def test_the_card_of_the_bundled_model_names_what_it_learned_from() -> None:
    learned = encoding.learned_from("lite-4")
    assert len(learned) > 30
    assert "Shenggan/BCCD_Dataset" in learned
    assert encoding.learned_from("ViT-B-32-quickgelu:openai") == frozenset()
