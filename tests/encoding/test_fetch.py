"""Weights that lie elsewhere: fetched from a server of this machine that answers as a hub does."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from mediclip_index.encoding import load_encoder
from mediclip_index.encoding.fetch import can_be_had, from_url
from mediclip_index.encoding.file_hashes import FileHashes, user_cache_folder
from mediclip_index.types import ModelUnavailable, WeightsSource
from tests.encoding.conftest import RECIPE, SENTENCES

COMMIT = "1" * 40


class Server:
    """Files by path, and how often each was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, body: bool) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                content = outer.files.get(self.path)
                self.send_response(404 if content is None else 200)
                if content is None:
                    self.send_header("X-Error-Code", "EntryNotFound")
                    content = b""
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if body:
                    self.wfile.write(content)

            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                self.answer(body=True)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def hub(server: Server, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A hub with the model nobody/tiny."""
    for file in tiny.iterdir():
        server.files[f"/nobody/tiny/resolve/main/{file.name}"] = file.read_bytes()
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        server.address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return server


def test_a_model_comes_from_the_hub_once_and_then_from_the_cache(
    hub: Server, tiny: Path, tmp_path: Path
) -> None:
    encoder = load_encoder(
        "hf-hub:nobody/tiny", recipe=RECIPE, weights_source=WeightsSource(cache_dir=tmp_path)
    )
    local = load_encoder(f"local-dir:{tiny}", recipe=RECIPE)
    assert encoder.fingerprint == local.fingerprint
    np.testing.assert_array_equal(encoder.encode_texts(SENTENCES), local.encode_texts(SENTENCES))
    assert any("open_clip_model.safetensors" in asked for asked in hub.asked)
    hub.asked.clear()
    again = load_encoder(
        "hf-hub:nobody/tiny",
        recipe=RECIPE,
        weights_source=WeightsSource(cache_dir=tmp_path, offline=True),
    )
    assert again.fingerprint == local.fingerprint
    assert hub.asked == []


def test_a_repository_without_the_file_is_one_sentence(hub: Server, tmp_path: Path) -> None:
    del hub.files["/nobody/tiny/resolve/main/open_clip_model.safetensors"]
    with pytest.raises(ModelUnavailable) as caught:
        load_encoder(
            "hf-hub:nobody/tiny", recipe=RECIPE, weights_source=WeightsSource(cache_dir=tmp_path)
        )
    said = str(caught.value)
    assert "The weights file of hf-hub:nobody/tiny can't be had from the hub's nobody/tiny" in said
    assert "local-dir:FOLDER" in said
    assert "\n" not in said


def test_whether_a_file_can_be_had_is_known_without_fetching_it(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert can_be_had("nobody/tiny", ["open_clip_config.json"])
    assert hub.asked == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not can_be_had("nobody/tiny", ["open_clip_config.json"])


def test_a_file_of_another_server_is_fetched_and_its_hash_held_to_its_address(
    server: Server, tmp_path: Path
) -> None:
    content = b"weights" * 3_000
    right = f"/openaipublic/clip/models/{hashlib.sha256(content).hexdigest()}/a.pt"
    wrong = f"/openaipublic/clip/models/{'0' * 64}/b.pt"
    server.files |= {right: content, wrong: content}

    def fetched(path: str, offline: bool = False) -> Path:
        return from_url(
            server.address + path,
            what="The weights file",
            instead="bring it by hand",
            weights_source=WeightsSource(cache_dir=tmp_path, offline=offline),
        )

    assert fetched(right).read_bytes() == content
    with pytest.raises(ModelUnavailable, match=r"can't be fetched \(.*SHA256.*; bring it by hand"):
        fetched(wrong)
    with pytest.raises(ModelUnavailable, match=r"can't be fetched \(.*404"):
        fetched("/nothing.pt")
    asked = len(server.asked)
    with pytest.raises(ModelUnavailable, match="we are offline"):
        fetched(wrong, offline=True)
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", "can't be read as JSON"),
        ("[1]", "holds no JSON object"),
        ('{"model_cfg": {"embed_dim": 8}}', "it lacks embed_dim, vision_cfg, text_cfg"),
    ],
)
def test_a_folder_whose_configuration_is_none_is_refused(
    config: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "open_clip_config.json").write_text(config)
    with pytest.raises(ModelUnavailable, match=said):
        load_encoder(f"local-dir:{tmp_path}", recipe=RECIPE)


def test_a_folder_without_weights_says_which_file_it_lacks(tiny: Path, tmp_path: Path) -> None:
    config = "open_clip_config.json"
    (tmp_path / config).write_text((tiny / config).read_text())
    with pytest.raises(ModelUnavailable, match=r"no file with weights \(open_clip_model\.saf"):
        load_encoder(f"local-dir:{tmp_path}", recipe=RECIPE)


def test_a_configuration_may_hold_what_the_hubs_do_or_the_bare_model(
    tiny: Path, tmp_path: Path
) -> None:
    (tmp_path / "open_clip_model.safetensors").symlink_to(tiny / "open_clip_model.safetensors")
    said = json.loads((tiny / "open_clip_config.json").read_text())
    bare = {**said["model_cfg"], "preprocess_cfg": said["preprocess_cfg"]}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(bare))
    one, other = (load_encoder(f"local-dir:{f}", recipe=RECIPE) for f in (tiny, tmp_path))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    ("platform", "variables", "where"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/mediclip-index"),
        ("linux", {}, "/home/ann/.cache/mediclip-index"),
        ("darwin", {}, "/home/ann/Library/Caches/mediclip-index"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/mediclip-index/Cache"),
    ],
)
def test_what_can_be_made_again_lies_where_the_platform_has_it(
    platform: str, variables: dict[str, str], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert user_cache_folder() == Path(where)


def test_hashes_are_computed_where_they_cant_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"abc")
    right = hashlib.sha256(b"abc").hexdigest()
    (tmp_path / "no-folder").touch()
    assert FileHashes(tmp_path / "no-folder").sha256(file) == right

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert FileHashes().sha256(file) == right


def test_a_hash_is_kept_until_the_file_is_another(tmp_path: Path) -> None:
    file, kept = tmp_path / "weights", FileHashes(tmp_path / "cache")
    file.write_bytes(b"abc")
    first = kept.sha256(file)
    assert kept.get(file, "sha256", lambda: "never asked") == first
    for broken in ("[]", "{", '{"sha256 x": 1}'):
        (tmp_path / "cache" / "hashes.json").write_text(broken)
        assert kept.sha256(file) == first
    file.write_bytes(b"abcd")
    assert kept.sha256(file) == hashlib.sha256(b"abcd").hexdigest()
