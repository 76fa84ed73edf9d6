"""From a model's name to what it is made of: configuration, weights file, where its text model and
tokenizer lie. Nothing is read into memory yet; what is missing or unknown is said here."""

from __future__ import annotations

import importlib.resources
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediclip_index.encoding import names, quickgelu
from mediclip_index.encoding.auto import openai_file, resolve_auto
from mediclip_index.encoding.checkpoint import safetensors_metadata
from mediclip_index.encoding.fetch import from_hub, from_url, in_cache
from mediclip_index.types import ModelUnavailable, WeightsSource

_CONFIG = "open_clip_config.json"
_FOLDER_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)


_TOLD_IN = (".json", ".txt", ".model")  # a model's configuration and its tokenizer


@dataclass(frozen=True)
class Source:
    """What a model is made of. `name` is canonical; `architecture` is "" where the configuration
    came with the weights; `folder` holds the tokenizer of a model from a local folder; `text_model`
    is the content of the config.json of a text tower from transformers. `published` weights came
    from open_clip's table or the hub, so that whose they are is known."""

    name: str
    architecture: str
    model_cfg: dict[str, Any]
    preprocess_cfg: dict[str, Any]
    weights: Path
    published: bool
    folder: Path | None = None
    text_model: dict[str, Any] | None = None


def find(name: str, weights_source: WeightsSource, bundled: Path | None = None) -> Source:
    """The parts of the model of this name, fetched where the name says so and they aren't here.

    `bundled` is the folder of the models that come with the package (None: the package's own).
    Raises ModelUnavailable.
    """
    parsed = names.parse(name)
    if parsed.kind == "auto":
        parsed = names.parse(resolve_auto(weights_source.cache_dir)[0])
    if parsed.kind == "lite":
        return _bundled(parsed.head, bundled)
    if parsed.kind == "folder":
        return _folder(names.absolute(parsed.head), weights_source)
    if parsed.kind == "hub":
        return _hub(parsed.head, weights_source)
    return _pair(parsed.head, parsed.tail, weights_source)


def files(source: Source) -> tuple[Path, ...]:
    """All files that decide what the model is: change one, and the name may mean another model.

    open_clip's own version is among them, because its code and its lists of models are too.
    """
    import open_clip

    beside = source.weights.parent if source.name.startswith("lite-") else source.folder
    found = [source.weights, Path(open_clip.__file__).parent / "version.py"]
    if beside is not None:
        found += sorted(file for file in beside.iterdir() if file.suffix in _TOLD_IN)
    # In the hub's cache a revision never changes, but which one a name means does.
    for folder in source.weights.absolute().parents:
        if folder.name == "snapshots":
            found.append(folder.parent / "refs" / "main")
    return tuple(dict.fromkeys(file for file in found if file.is_file()))


def bundled_versions(folder: Path | None = None) -> tuple[str, ...]:
    """The versions of `lite` that come with the package, oldest first: ("1",)."""
    folder = folder or package_folder()
    found = (re.fullmatch(r"lite-(\d+)\.json", file.name) for file in folder.glob("lite-*.json"))
    return tuple(sorted((match[1] for match in found if match), key=int))


def package_folder() -> Path:
    """Where the models lie that come with the package."""
    return Path(str(importlib.resources.files("mediclip_index.encoding") / "lite"))


def _bundled(version: str, folder: Path | None) -> Source:
    folder = folder or package_folder()
    versions = bundled_versions(folder)
    if not versions:
        raise ModelUnavailable(
            "The bundled model is missing from this installation; install mediclip-index again, or "
            "name another model, e.g. ViT-B-32-quickgelu:openai."
        )
    version = version or versions[-1]
    if version not in versions:
        raise ModelUnavailable(
            f"There is no lite-{version} in this installation; it has "
            f"{', '.join(f'lite-{v}' for v in versions)}. An index of another version is embedded "
            "anew by `mediclip-index --index NEW build --model lite SOURCE`."
        )
    weights = folder / f"lite-{version}.safetensors"
    if not weights.is_file():
        raise ModelUnavailable(
            f"The weights of lite-{version} are missing from this installation; install "
            "mediclip-index again."
        )
    config = _json(folder / f"lite-{version}.json")
    model_cfg, preprocess_cfg = _split_config(config, folder)
    if not preprocess_cfg:
        # open_clip's registry takes configurations without preprocessing, and would then use
        # OpenAI's mean and deviation; so a model in that form says its own in its weights file.
        preprocess_cfg = json.loads(safetensors_metadata(weights).get("preprocess_cfg", "{}"))
    if not {"mean", "std"} <= set(preprocess_cfg):
        raise ModelUnavailable(f"lite-{version} doesn't say how it wants its pictures (mean, std).")
    name = f"lite-{version}"
    return Source(name, "", model_cfg, preprocess_cfg, weights, published=True)


def _pair(architecture: str, tail: str, weights_source: WeightsSource) -> Source:
    import open_clip

    model_cfg = open_clip.get_model_config(architecture)
    if model_cfg is None:
        near = names.did_you_mean(architecture, [*open_clip.list_models(), "lite", "auto"])
        end = near if near.endswith("?") else f"; write {names.FORMS}."
        raise ModelUnavailable(f"There is no model {architecture!r} in open_clip{end}")
    tags = _tags(architecture)
    if not tail:
        some = f"{architecture}:{tags[-1]}" if tags else f"{architecture}:FILE"
        known = f" (known: {', '.join(tags)})" if tags else ""
        raise ModelUnavailable(
            f"{architecture!r} doesn't say which weights; write {some} or another tag{known}, or "
            f"{architecture}:FILE."
        )
    published = quickgelu.published_cfg(architecture, tail)
    if published:
        quickgelu.check_tag(architecture, tail)
        tag = tail.lower().replace("-", "_")
        name = f"{architecture}:{tag}"
        weights = _tag_weights(name, dict(published), weights_source)
        text_model = _text_model(model_cfg, name, None, weights_source)
        return Source(
            name, architecture, model_cfg, dict(published), weights, True, text_model=text_model
        )
    path = names.absolute(tail)
    if path.is_dir():
        raise ModelUnavailable(f"{path} is a folder; write local-dir:{path}, or name a file in it.")
    if not path.is_file():
        if names.looks_like_file(tail):
            raise ModelUnavailable(f"There is no file {path} with weights for {architecture}.")
        near = names.did_you_mean(tail, tags)
        end = (
            near or f"; its tags are {', '.join(tags)}." if tags else "; it has none: name a FILE."
        )
        raise ModelUnavailable(f"{architecture} has no weights {tail!r}{end}")
    name = f"{architecture}:{path}"
    text_model = _text_model(model_cfg, name, None, weights_source)
    return Source(name, architecture, model_cfg, {}, path, False, text_model=text_model)


def _tags(architecture: str) -> list[str]:
    """The tags that fit the architecture, its activation included."""
    import open_clip

    plain = architecture.removesuffix(quickgelu.SUFFIX)
    all_tags = open_clip.list_pretrained_tags_by_model(plain)
    fitting = []
    for tag in all_tags:
        try:
            quickgelu.check_tag(architecture, tag)
        except ModelUnavailable:
            continue
        fitting.append(tag)
    return fitting


def _tag_weights(name: str, cfg: dict[str, Any], weights_source: WeightsSource) -> Path:
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

    what = f"The weights file of {name}"
    instead = f"bring it by hand and name it as {name.partition(':')[0]}:FILE"
    repository, _, filename = str(cfg.get("hf_hub", "")).rpartition("/")
    url = str(cfg.get("url", ""))
    filenames = [filename] if filename else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
    if filename.endswith((".bin", ".pth")):
        filenames.insert(0, f"{filename[:-4]}.safetensors")
    if repository:
        cached = in_cache(repository, filenames, weights_source.cache_dir)
        if cached is not None:
            return cached
    if url and name.endswith(":openai"):
        *_, sha256, file = url.split("/")
        kept = openai_file(file, sha256, weights_source.cache_dir)
        if kept is not None:
            return kept
    if repository:
        return from_hub(
            repository, filenames, what=what, instead=instead, weights_source=weights_source
        )
    return from_url(url, what=what, instead=instead, weights_source=weights_source)


def _folder(folder: Path, weights_source: WeightsSource) -> Source:
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no folder {folder}.")
    if not (folder / _CONFIG).is_file():
        raise ModelUnavailable(
            f"{folder} has no {_CONFIG}, so its model's shape is unknown; with an architecture "
            "that open_clip knows, write ARCH:FILE."
        )
    model_cfg, preprocess_cfg = _split_config(_json(folder / _CONFIG), folder)
    files = [folder / name for name in _FOLDER_WEIGHTS]
    files += sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.bin"))
    files += sorted(folder.glob("*.pth")) + sorted(folder.glob("*.pt"))
    weights = next((file for file in files if file.is_file()), None)
    if weights is None:
        raise ModelUnavailable(f"{folder} has no file with weights ({_FOLDER_WEIGHTS[0]}).")
    name = f"{names.FOLDER}{folder}"
    text_model = _text_model(model_cfg, name, folder, weights_source)
    return Source(name, "", model_cfg, preprocess_cfg, weights, False, folder, text_model)


def _hub(repository: str, weights_source: WeightsSource) -> Source:
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

    name = f"{names.HUB}{repository}"
    instead = "bring its files in a folder and name it as local-dir:FOLDER"

    def fetched(what: str, *files: str) -> Path:
        return from_hub(
            repository, files, what=what, instead=instead, weights_source=weights_source
        )

    config = _json(fetched(f"The configuration of {name}", _CONFIG))
    model_cfg, preprocess_cfg = _split_config(config, Path(repository))
    weights = fetched(f"The weights file of {name}", HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)
    text_model = _text_model(model_cfg, name, None, weights_source)
    return Source(
        name, "", model_cfg, preprocess_cfg, weights, published=False, text_model=text_model
    )


def _split_config(config: Any, where: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(model_cfg, preprocess_cfg) of a configuration in open_clip's form, wrapped or bare."""
    model_cfg = config.get("model_cfg", config) if isinstance(config, dict) else {}
    needed = ("embed_dim", "vision_cfg", "text_cfg")
    if not isinstance(model_cfg, dict) or any(key not in model_cfg for key in needed):
        raise ModelUnavailable(
            f"The configuration in {where} is none of open_clip's: it lacks {', '.join(needed)}."
        )
    model_cfg = dict(model_cfg)
    inner = model_cfg.pop("preprocess_cfg", None)
    return model_cfg, dict(config.get("preprocess_cfg") or inner or {})


def _text_model(
    model_cfg: dict[str, Any],
    name: str,
    folder: Path | None,
    weights_source: WeightsSource,
) -> dict[str, Any] | None:
    """The config.json of a text tower from transformers; None for open_clip's own text towers.

    A local folder has it beside the weights, so that nothing has to be fetched.
    """
    text_cfg = model_cfg["text_cfg"]
    repository = text_cfg.get("hf_model_name")
    if not repository and not text_cfg.get("hf_tokenizer_name"):
        return None
    if importlib.util.find_spec("transformers") is None:
        raise ModelUnavailable(
            f'{name} needs the transformers package; pip install "mediclip-index[bert]".'
        )
    if not repository:
        return None
    instead = f"bring the config.json of {repository}"
    if folder is not None:
        file = folder / "config.json"
        if file.is_file() and "model_type" in _json(file):
            return dict(_json(file))
        instead += f" into {folder}"
    what = f"The text model's configuration of {name}"
    file = from_hub(
        repository,
        ["config.json"],
        what=what,
        instead=instead,
        weights_source=weights_source,
    )
    return dict(_json(file))


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{file} can't be read as JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ModelUnavailable(f"{file} holds no JSON object.")
    return content
