"""A prompt file that is right becomes a set; one that is wrong becomes one sentence."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from mediclip_index import prompts
from mediclip_index.prompts.lines import lines_of
from mediclip_index.types import PromptClass, PromptGroup, UsageError

PETS = """\
name = "pets"
description = "cats and dogs"
pooling = "mean"
template = "a photo of {}"

[classes.cat.groups]
kitten = ["a kitten", "a young cat"]
grown_cat = ["a cat"]

[classes]
dog = ["a dog", "a puppy"]
"""


def refusal(text: str) -> str:
    """The one sentence with which `text` is refused as pets.toml."""
    with pytest.raises(UsageError) as caught:
        prompts.parse(text, "pets.toml")
    said = str(caught.value)
    assert said.isprintable() and said.endswith((".", "?")), said
    assert caught.value.exit_code == 2
    return said


# --- what is right ------------------------------------------------------------------------------


def test_both_forms_of_a_class_are_read_in_the_order_of_the_file() -> None:
    pets = prompts.parse(PETS, "pets.toml")
    assert (pets.name, pets.pooling, pets.description) == ("pets", "mean", "cats and dogs")
    assert pets.classes == (
        PromptClass(
            "cat",
            (
                PromptGroup("kitten", ("a photo of a kitten", "a photo of a young cat")),
                PromptGroup("grown_cat", ("a photo of a cat",)),
            ),
        ),
        PromptClass("dog", (PromptGroup("dog", ("a photo of a dog", "a photo of a puppy")),)),
    )


def test_pooling_template_and_description_may_be_left_out() -> None:
    pets = prompts.parse('name = "p"\n[classes]\na = ["x"]\nb = ["y"]', "p.toml")
    assert (pets.pooling, pets.description, pets.sentences) == ("groups", "", ("x", "y"))


@pytest.mark.parametrize("text", [PETS, prompts.load_bundled("medical").source])
def test_a_sets_source_parses_to_the_same_set(text: str) -> None:
    once = prompts.parse(text, "pets.toml")
    assert prompts.parse(once.source, "elsewhere") == once
    assert once.sha256 == hashlib.sha256(once.source.encode()).hexdigest()


def test_a_file_saved_on_windows_is_the_same_set() -> None:
    windows = "\ufeff" + PETS.replace("\n", "\r\n")
    assert prompts.parse(windows, "pets.toml") == prompts.parse(PETS, "pets.toml")


def test_other_words_give_another_hash() -> None:
    other = prompts.parse(PETS.replace("a kitten", "a small kitten"), "pets.toml")
    assert other.sha256 != prompts.parse(PETS, "pets.toml").sha256


def test_blanks_and_line_ends_inside_a_sentence_become_single_spaces() -> None:
    text = PETS.replace('"a puppy"', '"""\n  a   very\n  young dog """')
    assert prompts.parse(text, "pets.toml").sentences[-1] == "a photo of a very young dog"


# --- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pooling", "poling", "pets.toml, line 3: poling is unknown; did you mean `pooling`?"),
        (
            "description",
            "colour",
            "pets.toml, line 2: colour is unknown; known: name, description, pooling, template, "
            "classes.",
        ),
        (
            '"mean"',
            '"group"',
            "pets.toml, line 3: pooling must be groups, mean or prompts, not `group`; "
            "did you mean `groups`?",
        ),
        ('"mean"', "3", "pets.toml, line 3: pooling must be a text, not a number."),
        (
            "photo of {}",
            "photo",
            'pets.toml, line 4: template must hold `{}` exactly once, as in "a photo of {}".',
        ),
        (
            "photo of {}",
            "{} and {}",
            'pets.toml, line 4: template must hold `{}` exactly once, as in "a photo of {}".',
        ),
        (
            'grown_cat = ["a cat"]',
            'grown_cat = "a cat"',
            "pets.toml, line 8: classes.cat.groups.grown_cat must be a list of sentences, "
            "not a text.",
        ),
        (
            'grown_cat = ["a cat"]',
            "grown_cat = 2024-01-01",
            "pets.toml, line 8: classes.cat.groups.grown_cat must be a list of sentences, "
            "not a date or time.",
        ),
        (
            '["a cat"]',
            "[]",
            "pets.toml, line 8: classes.cat.groups.grown_cat is empty; give it at least one "
            "sentence.",
        ),
        (
            '"a puppy"',
            "\n  7",
            "pets.toml, line 12: sentence 2 of classes.dog must be a sentence, not a number.",
        ),
        ('"a puppy"', '" \\t"', "pets.toml, line 11: sentence 2 of classes.dog is blank."),
        ('"a puppy"', '""', "pets.toml, line 11: sentence 2 of classes.dog is blank."),
        (
            '"a puppy"',
            '"\\u001b[31mred"',
            "pets.toml, line 11: sentence 2 of classes.dog holds a control character; "
            "use plain text.",
        ),
        (
            "a puppy",
            "p" * 990,
            "pets.toml, line 11: sentence 2 of classes.dog has 1,001 characters; "
            "1,000 are the most.",
        ),
        (
            "a puppy",
            "A  Kitten",
            "pets.toml, line 11: sentence 2 of classes.dog repeats sentence 1 of "
            'classes.cat.groups.kitten (line 7): "A Kitten".',
        ),
        (
            "dog = ",
            '"Big Dog" = ',
            'pets.toml, line 11: classes."Big Dog" is no class name: it must be of a-z, 0-9 and '
            "_, at most 64 long; write `big_dog`.",
        ),
        (
            "kitten =",
            '"Kätzchen-1" =',
            'pets.toml, line 7: classes.cat.groups."Kätzchen-1" is no group name: it must be of '
            "a-z, 0-9 and _, at most 64 long; write `katzchen_1`.",
        ),
        (
            '"pets"',
            '"My Pets"',
            "pets.toml, line 1: name must be of a-z, 0-9 and _, at most 64 long, not `My Pets`; "
            "write `my_pets`.",
        ),
        ('"pets"', "[1]", "pets.toml, line 1: name must be a text, not a list."),
        (
            "dog = ",
            "unsure = ",
            "pets.toml, line 11: classes.unsure can't be a class: `unsure` is what a verdict "
            "says of a doubt.",
        ),
        (
            'dog = ["a dog", "a puppy"]',
            "dog = true",
            "pets.toml, line 11: classes.dog must be a list of sentences or a table of groups, "
            "not true or false.",
        ),
        (
            'dog = ["a dog", "a puppy"]',
            "[classes.dog.groups]",
            "pets.toml, line 11: classes.dog.groups has no group; give it at least one list of "
            "sentences.",
        ),
        (
            'dog = ["a dog", "a puppy"]',
            'dog = { groups = ["a dog"] }',
            "pets.toml, line 11: classes.dog.groups must be a table of groups, not a list; "
            'write [classes.dog.groups] and below it dog = ["…"].',
        ),
        (
            'dog = ["a dog", "a puppy"]',
            'dog = { group = { big = ["a dog"] } }',
            "pets.toml, line 11: classes.dog.group is unknown; did you mean `groups`?",
        ),
        (
            "[classes.cat.groups]",
            "[classes.cat]",
            "pets.toml, line 7: classes.cat.kitten stands outside the groups; write it under "
            "[classes.cat.groups].",
        ),
        (
            'dog = ["a dog", "a puppy"]\n',
            "",
            "pets.toml, line 6: classes must name at least two classes, and names only one.",
        ),
        ('name = "pets"\n', "", 'pets.toml: name is missing; write name = "my_words" on top.'),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_key(old: str, new: str, said: str) -> None:
    assert PETS.count(old) >= 1
    assert refusal(PETS.replace(old, new, 1)) == said


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [('["a dog", "a puppy"]', '["a dog" "a puppy"]', 11), ("kitten = [", "grown_cat = [", 8)],
)
def test_what_is_no_toml_is_refused_with_line_and_column(old: str, new: str, line: int) -> None:
    said = refusal(PETS.replace(old, new, 1))
    assert re.fullmatch(rf"pets\.toml, line {line}, column \d+: not valid TOML: [^()]+\.", said)


def test_a_set_without_classes_is_refused() -> None:
    assert refusal('name = "a"') == (
        "pets.toml: classes is missing; describe each class under [classes]."
    )
    assert refusal('name = "a"\n\nclasses = ["cat", "dog"]') == (
        "pets.toml, line 3: classes must be a table of classes, not a list."
    )
    assert refusal('name = "a"\n[classes]\n') == (
        "pets.toml, line 2: classes must name at least two classes, and names none."
    )


def test_two_hundred_classes_are_the_most() -> None:
    def many(count: int) -> str:
        return 'name = "m"\n[classes]\n' + "".join(f'c{i} = ["s{i}"]\n' for i in range(count))

    assert len(prompts.parse(many(200), "m.toml").classes) == 200
    assert refusal(many(201)) == "pets.toml, line 2: classes names 201 classes; 200 are the most."


def test_five_thousand_sentences_are_the_most() -> None:
    def many(count: int) -> str:
        listed = ",\n".join(f'"s{i}"' for i in range(count - 1))
        return f'name = "m"\n[classes]\na = ["x"]\nb = [\n{listed}]\n'

    assert len(prompts.parse(many(5_000), "m.toml").sentences) == 5_000
    assert refusal(many(5_001)) == (
        "pets.toml, line 5004: sentence 5000 of classes.b is one sentence too many; "
        "5,000 are the most."
    )


def test_more_than_a_megabyte_is_refused() -> None:
    assert "larger than 1 MB" in refusal(PETS + "#" * 1_000_000)


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000, "a = " + "9" * 5_000, "\udc80"])
def test_hostile_toml_is_refused_in_one_sentence(text: str) -> None:
    assert refusal(text).startswith("pets.toml")


# --- files --------------------------------------------------------------------------------------


def test_a_file_is_read_and_named_in_its_errors(tmp_path: Path) -> None:
    file = tmp_path / "words.toml"
    file.write_text(PETS, encoding="utf-8")
    assert prompts.load_file(file) == prompts.parse(PETS, "words.toml")
    file.write_text(PETS.replace("dog =", "unsure ="), encoding="utf-8")
    with pytest.raises(UsageError, match=r"words\.toml, line 11: classes\.unsure "):
        prompts.load_file(str(file))


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no prompt file .*gone\.toml\."):
        prompts.load_file(tmp_path / "gone.toml")
    with pytest.raises(UsageError, match="is a folder; a prompt set is one TOML file"):
        prompts.load_file(tmp_path)
    with pytest.raises(UsageError, match="can't be read"):
        prompts.load_file("nul\0byte.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(UsageError, match="is no regular file"):
        prompts.load_file(tmp_path / "pipe.toml")


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(PETS.replace("a kitten", "a kitten in Köln").encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.toml, line 7: not UTF-8"):
        prompts.load_file(file)


def test_a_large_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.toml"
    with file.open("wb") as out:
        out.truncate(1 << 40)  # sparse: reading it all would end this machine's memory
    with pytest.raises(UsageError, match="larger than 1 MB"):
        prompts.load_file(file)


# --- lines --------------------------------------------------------------------------------------


def test_lines_are_found_through_comments_quotes_and_inline_tables() -> None:
    text = '''\
# [not.a.table] = "x"
"a.b" = 1.5  # ] } "
c.d = [ # one
  "x # y", """two
  lines""",
  { e = 1, 'f g' = [2,
  3] },
]
[h . "i"]
j = 2024-01-01 12:30:00
k = 'back\\slash'
[[l]]
m = ["]", '"']
'''
    lines = lines_of(text)
    assert lines[("a.b",)] == 2
    assert lines[("c", "d")] == 3
    assert [lines[("c", "d", i)] for i in range(3)] == [4, 4, 6]
    assert lines[("c", "d", 2, "f g")] == 6
    assert lines[("c", "d", 2, "f g", 1)] == 7
    assert lines[("h",)] == lines[("h", "i")] == 9
    assert lines[("h", "i", "j")] == 10
    assert lines[("h", "i", "k")] == 11
    assert lines[("l",)] == 12
    assert [lines[("l", "m", i)] for i in range(2)] == [13, 13]
