"""Model names: what is unknown is said in one sentence, with what was probably meant."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from mediclip_index.encoding import load_encoder, resolve_auto
from mediclip_index.encoding.auto import REPOSITORY, openai_file
from mediclip_index.types import ModelUnavailable, WeightsSource
from tests.encoding.conftest import RECIPE, RandomModel


def refusal(name: str, **options: object) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        load_encoder(name, recipe=RECIPE, **options)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence[-1] in ".?"
    assert caught.value.exit_code == 5
    return sentence


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ViT-B-23:openai", "did you mean ViT-B-32"),
        ("vit-b-32-quickgelu:openai", "did you mean ViT-B-32-quickgelu"),
        ("light", "did you mean lite"),
        ("ViT-B-32:laion2b_s34b_b79", "did you mean laion2b_s34b_b79k"),
        ("ViT-B-32", "ViT-B-32:FILE"),
        ("ViT-B-32:nosuch.safetensors", "no file"),
        ("ViT-B-32:./models/w.bin", "no file"),
        ("local-dir:/nowhere/at/all", "no folder"),
        ("hf-hub:", "needs a name"),
        ("", "no model name"),
        ("ViT-B-32:", "no model name"),
        ("what is this", "ARCH:TAG"),
    ],
)
def test_an_unknown_name_is_answered_with_what_was_meant(name: str, said: str) -> None:
    assert said in refusal(name)


def test_only_tags_that_fit_the_activation_are_offered() -> None:
    assert "laion2b" not in refusal("ViT-B-32-quickgelu:nosuchtag")
    assert "openai" not in refusal("ViT-B-32:nosuchtag")


def test_a_folder_in_place_of_a_file_is_said(tmp_path: Path) -> None:
    assert f"local-dir:{tmp_path}" in refusal(f"ViT-B-32:{tmp_path}")
    assert "open_clip_config.json" in refusal(f"local-dir:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("ViT-B-32-quickgelu:openai", "ViT-B-32-quickgelu:FILE"),
        ("ViT-B/32-quickgelu:OpenAI", "ViT-B-32-quickgelu:FILE"),
        ("hf-hub:nobody/nothing", "local-dir:FOLDER"),
    ],
)
def test_without_a_hub_the_answer_comes_at_once_and_says_how_to_bring_weights(
    name: str, instead: str
) -> None:
    load_once = refusal(name, weights_source=WeightsSource(offline=True))  # imports are paid for
    assert "offline" in load_once
    start = time.monotonic()
    sentence = refusal(name)
    assert time.monotonic() - start < 2.0
    assert instead in sentence
    assert "can't be fetched" in sentence


def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from mediclip_index.encoding.fetch import unreachable

    def silent(*_: object, **__: object) -> None:
        time.sleep(5)
        raise OSError("too late for anybody to hear")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    start = time.monotonic()
    assert "no answer" in unreachable("https://hub.invalid", patience_s=0.3)
    assert time.monotonic() - start < 2.0


def test_the_way_through_a_proxy_counts_as_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from mediclip_index.encoding.fetch import unreachable

    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        assert unreachable("https://hub.invalid") == ""
    assert unreachable("https://hub.invalid") != ""


def test_auto_is_lite_where_the_weights_are_not_here(tmp_path: Path) -> None:
    name, sentence = resolve_auto(tmp_path)
    assert name == "lite"
    assert "--model ViT-B-32-quickgelu:openai" in sentence


def in_hub_cache(cache: Path, repository: str, *files: Path) -> None:
    """The files as the hub's own client leaves them."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / ("0" * 40)
    for path in (folder / "refs", snapshot):
        path.mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    for file in files:
        (snapshot / file.name).symlink_to(file)


def test_auto_is_clip_where_its_weights_lie_in_the_hubs_cache(
    tmp_path: Path, vit: RandomModel
) -> None:
    weights = tmp_path / "open_clip_model.safetensors"
    weights.symlink_to(vit.safetensors)
    in_hub_cache(tmp_path, REPOSITORY, weights)
    name, sentence = resolve_auto(tmp_path)
    assert name == "ViT-B-32-quickgelu:openai"
    assert "--model lite" in sentence
    encoder = load_encoder(
        "auto", recipe=RECIPE, weights_source=WeightsSource(cache_dir=tmp_path, offline=True)
    )
    assert encoder.name == name
    by_file = load_encoder(f"ViT-B-32-quickgelu:{vit.safetensors}", recipe=RECIPE)
    assert encoder.fingerprint == by_file.fingerprint


def test_a_hub_name_is_loaded_from_the_cache_without_asking_the_hub(
    tmp_path: Path, tiny: Path
) -> None:
    in_hub_cache(tmp_path, "nobody/tiny", *tiny.iterdir())
    encoder = load_encoder(
        "hf-hub:nobody/tiny", recipe=RECIPE, weights_source=WeightsSource(cache_dir=tmp_path)
    )
    assert encoder.name == "hf-hub:nobody/tiny"
    local = load_encoder(f"local-dir:{tiny}", recipe=RECIPE)
    assert encoder.fingerprint == local.fingerprint


def test_a_download_that_broke_off_is_not_taken_for_openais_file(tmp_path: Path) -> None:
    from hashlib import sha256

    (tmp_path / "ViT-B-32.pt").write_bytes(b"half a file")
    assert resolve_auto(tmp_path)[0] == "lite"
    whole = sha256(b"half a file").hexdigest()
    assert openai_file("ViT-B-32.pt", whole, tmp_path) == tmp_path / "ViT-B-32.pt"


def test_importing_the_room_and_choosing_the_model_loads_neither_torch_nor_open_clip() -> None:
    code = (
        "import sys, mediclip_index.encoding as e; e.resolve_auto(); e.bundled_versions();"
        "print([m for m in ('torch', 'open_clip', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
