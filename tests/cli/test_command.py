"""The command as a stranger types it, with the bundled model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data

PHOTO = Path(skimage.data.__file__).parent / "chelsea.png"
README = Path(__file__).parents[2] / "README.md"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mediclip_index", *words],
        cwd=folder,
        env={**os.environ, "MEDICLIP_INDEX": str(folder / "index")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index of the sample collection."""
    made = tmp_path_factory.mktemp("stranger")
    built = run(made, "build", "--model", "lite", "--json")
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["added"] == 38
    assert "sample collection" in built.stderr
    return made


def test_query_prints_the_promised_json(folder: Path) -> None:
    answer = run(folder, "query", "--json", str(PHOTO), "no-such.png")
    assert answer.returncode == 3
    report = json.loads(answer.stdout)
    assert report["index"]["model"] == "lite-4"
    verdict = report["verdicts"][0]
    assert verdict["label"] == "non_medical"
    assert set(verdict) >= {
        "id", "path", "page", "sha256", "width", "height", "label", "probability", "unsure",
        "probabilities", "zero_shot", "votes", "alpha", "calibrated", "group", "neighbours", "why",
    }  # fmt: skip
    assert report["refused"][0]["reason"] == "unreadable"


def test_the_audit_keeps_it_and_the_chain_holds(folder: Path) -> None:
    run(folder, "query", str(PHOTO))
    assert json.loads(run(folder, "audit", "list", "--json").stdout)["verdicts"]
    assert run(folder, "audit", "verify").returncode == 0


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "paths"])
def test_search_is_written_in_every_format(form: str, folder: Path) -> None:
    answer = run(folder, "search", "a cat", "-k", "3", "--format", form)
    assert answer.returncode == 0
    assert "chelsea.png" in answer.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--index", "nowhere", "info"), 4, "mediclip-index build"),
        (("--index", "new", "build", "--model", "nonsense:x"), 5, "nonsense"),
        (("--index", "new", "build", "no-such-folder"), 2, "no-such-folder"),
        (("search", "--where", "1=1; drop table images"), 2, "refused"),
        (("query", "--prompts", "none.toml", str(PHOTO)), 2, "none.toml"),
        (("label", "set", "medcial", "1"), 2, "medcial"),
        (("query",), 2, "--indexed"),
        (("query", "--where", "id = 1"), 2, "--where is for --indexed"),
        (("query", "--indexed", str(PHOTO)), 2, "not both"),
        (("query", "--indexed", "--where", "label = medical"), 2, "single quotes"),
        (("query", "no-such.png"), 3, "There is no file no-such.png."),
        (("evaluate", "--html", "no-such-folder/page.html"), 2, "there is no folder"),
        (("mistakes", "--html", "."), 2, "name a file"),
    ],
)
def test_bad_requests_are_one_sentence(
    words: tuple[str, ...], code: int, says: str, folder: Path
) -> None:
    answer = run(folder, *words)
    assert answer.returncode == code, answer.stderr
    assert says in answer.stderr + (answer.stdout if code == 3 else "")
    assert "Traceback" not in answer.stderr
    assert not (folder / "new").exists()


def test_a_query_that_shows_nothing_says_so(folder: Path) -> None:
    answer = run(folder, "query", "--no-audit", "--only", "medical", str(PHOTO))
    assert answer.returncode == 0
    assert "1 picture asked of: no verdict is medical." in answer.stderr
    assert answer.stdout == "No picture to show.\n"


@pytest.mark.parametrize("words", [(), ("audit",), ("label",), ("prompts",)])
def test_no_line_of_the_lists_of_commands_is_cut(words: tuple[str, ...], folder: Path) -> None:
    answer = run(folder, *words, "--help")
    assert answer.returncode == 0
    assert "..." not in answer.stdout.replace("[ARGS]...", "")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from mediclip_index.cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch','open_clip','faiss','duckdb','rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


@pytest.mark.parametrize(
    ("words", "more"),
    [(("query", str(PHOTO)), ()), (("search", "a cat"), ()), (("info",), ("faiss", "openvino"))],
)
def test_a_warm_command_loads_neither_torch_nor_its_kin(
    words: tuple[str, ...], more: tuple[str, ...], folder: Path
) -> None:
    code = (
        "import sys; from mediclip_index.cli import cli\n"
        f"cli({list(words)!r}, standalone_mode=False)\n"
        "heavy = ('torch', 'open_clip', 'transformers', 'sklearn', 'scipy', 'skimage', 'jinja2',\n"
        "         'huggingface_hub', 'pypdfium2', 'openvino.tools.ovc', 'openvino_telemetry')\n"
        f"print([m for m in (*heavy, *{more!r}) if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "MEDICLIP_INDEX": str(folder / "index")},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_the_readme_names_every_command() -> None:
    from mediclip_index.cli.root import COMMANDS

    text = README.read_text()
    for name in COMMANDS:
        assert f"mediclip-index {name}" in text


def test_nothing_is_sent_anywhere(folder: Path) -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from mediclip_index import Index\n"
        f"print(Index.open('index').query([{str(PHOTO)!r}]).verdicts[0].label)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "non_medical", done.stderr


def test_the_tour_shows_verdicts_with_evidence_and_keeps_them(folder: Path) -> None:
    tour = run(folder, "demo")
    assert tour.returncode == 0, tour.stderr
    assert "the bundled model lite-4" in tour.stdout
    assert "11 pictures:" in tour.stdout
    assert "of the model's own references are medical" in tour.stdout
    assert "Not a diagnostic device" in tour.stdout
    kept = json.loads(run(folder, "audit", "list", "--limit", "100", "--json").stdout)["verdicts"]
    telling = re.search(r"query (\S+)$", tour.stdout, re.MULTILINE)
    assert telling is not None
    # It was asked as one of the held-out pictures, and as a file of one's own.
    assert sum(row["path"] == telling[1] for row in kept) == 2


def test_an_index_type_is_chosen_by_hand_and_info_shows_the_recall(folder: Path) -> None:
    assert run(folder, "build", "--index-type", "compressed").returncode == 0
    assert "compressed, 38 vectors, recall@10 " in run(folder, "info").stdout
    assert run(folder, "build", "--index-type", "auto").returncode == 0
    assert "exact, 38 vectors" in run(folder, "info").stdout
    assert run(folder, "build", "--index-type", "hnsw").returncode == 2
