"""Model names: what a user may write for `--model`, taken apart. Nothing here loads anything."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mediclip_index.types import ModelUnavailable

Kind = Literal["auto", "lite", "pair", "hub", "folder"]

HUB = "hf-hub:"
FOLDER = "local-dir:"
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
FORMS = "`lite`, `auto`, `ARCH:TAG`, `ARCH:FILE`, `hf-hub:REPO` or `local-dir:FOLDER`"


@dataclass(frozen=True)
class ModelName:
    """A model name in parts.

    `head` is the version for `lite` ("" is the newest), the architecture of a pair, the repository
    of a hub name or the path of a folder; `tail` is the tag or the file of a pair, as written.
    """

    kind: Kind
    head: str = ""
    tail: str = ""


def parse(name: str) -> ModelName:
    """Take a model name apart.

    Raises ModelUnavailable where it has none of the forms that models have. Whether the
    architecture, tag or file exists is found out later, by `sources`.
    """
    name = name.strip()
    if name == "auto":
        return ModelName("auto")
    if name == "lite" or name.startswith("lite-"):
        return ModelName("lite", name.removeprefix("lite").removeprefix("-"))
    for kind, prefix in (("hub", HUB), ("folder", FOLDER)):
        if name.startswith(prefix):
            rest = name[len(prefix) :].strip().rstrip("/") or name[len(prefix) :].strip()
            if not rest:
                raise ModelUnavailable(f"{prefix!r} needs a name behind the colon.")
            return ModelName("hub" if kind == "hub" else "folder", rest)
    head, colon, tail = name.partition(":")
    if not name or (colon and not (head and tail)):
        raise ModelUnavailable(f"{name!r} is no model name; write {FORMS}.")
    # The papers write ViT-B/32, open_clip writes ViT-B-32.
    return ModelName("pair", head.replace("/", "-"), tail)


def looks_like_file(tail: str) -> bool:
    """True where a user who wrote this meant a file and no tag."""
    return "/" in tail or "\\" in tail or tail.lower().endswith(WEIGHT_SUFFIXES)


def absolute(path: str) -> Path:
    """The path with `~` and relative parts resolved, links kept: it is what the user will read."""
    return Path(path).expanduser().absolute()


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """ "; did you mean A or B?", or "" where nothing is near. Case is no difference."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = [by_lower[low] for low in difflib.get_close_matches(word.lower(), by_lower, 3, 0.6)]
    if not near:
        return ""
    if len(near) == 1:
        return f"; did you mean {near[0]}?"
    return f"; did you mean {', '.join(near[:-1])} or {near[-1]}?"
