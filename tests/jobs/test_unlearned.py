"""Words that the bundled model has not learned: found all the same, and said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.encoding import bundled_versions
from mediclip_index.jobs.unlearned import note_on_words
from tests.cli.conftest import run

LITE = f"lite-{bundled_versions()[-1]}"
SET = """
name = "bilder"
[classes.medical.groups]
bild = ["ein Röntgenbild", "a chest X-ray"]
[classes.non_medical.groups]
foto = ["a photograph"]
"""


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory, photographs: list[Image.Image]) -> Index:
    """An index of three pictures, by the bundled model."""
    folder = tmp_path_factory.mktemp("unlearned")
    (folder / "pile").mkdir()
    for number, picture in enumerate(photographs[:3]):
        picture.save(folder / "pile" / f"{number}.png")
    index = Index.create(folder / "index", model="lite")
    index.build([str(folder / "pile")])
    return index


def test_a_search_names_words_that_mean_little_and_answers(lite: Index) -> None:
    report = lite.search(["Röntgenbild::2", "a dog"], without=["xyzzyplugh"], k=3)
    assert len(report.results) == 3
    (note,) = (n for n in report.notes if "has not learned" in n)
    assert "“röntgenbild”, “xyzzyplugh”: words that mean little" in note
    assert not any("has not learned" in n for n in lite.search(["a dog on a beach"]).notes)


def test_tried_sentences_bear_their_own_notes_and_a_set_one_for_all(
    lite: Index, tmp_path: Path
) -> None:
    german, english = lite.prompts.try_out(["ein Röntgenbild", "a chest X-ray"], k=1)
    assert "“röntgenbild”" in german.notes[0]
    assert not english.notes
    file = tmp_path / "bilder.toml"
    file.write_text(SET, "utf-8")
    assert "“röntgenbild”" in lite.prompts.add(file, use=False).notes[0]
    assert lite.prompts.add("medical", use=False).notes == ()


def test_the_command_says_it_on_stderr_and_in_json(lite: Index) -> None:
    folder = lite.path
    found = run(folder, "search", "Hund", "-k", "1", "--json")
    assert f"{LITE} has not learned “hund”" in json.loads(found.stdout)["notes"][0]
    assert f"note: {LITE} has not learned “hund”" in found.stderr
    tried = run(folder, "prompts", "try", "Hund", "-k", "1", "--json")
    assert "“hund”" in json.loads(tried.stdout)["trials"][0]["notes"][0]
    assert "“hund”" in tried.stderr


def test_another_model_is_not_spoken_of(built: Index) -> None:
    assert not built.search(["xyzzyplugh"]).notes


def test_a_note_names_eight_words_and_counts_the_rest() -> None:
    (note,) = note_on_words(LITE, [f"qwx{'z' * n}y" for n in range(1, 12)])
    assert note.count("“") == 8
    assert "and 3 more: words that mean" in note
    assert "“qwxzy”: a word that means" in note_on_words(LITE, ["qwxzy"])[0]
