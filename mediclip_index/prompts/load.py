"""Prompt sets from files: those that come with the package, and anybody's own."""

from __future__ import annotations

import stat
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from mediclip_index.prompts.parse import MOST_BYTES, parse
from mediclip_index.types import PromptSet, UsageError

_SETS = files("mediclip_index.prompts") / "sets"


def bundled_names() -> tuple[str, ...]:
    """The names of the sets inside the package, in alphabetical order."""
    names = (Path(entry.name) for entry in _SETS.iterdir())
    return tuple(sorted(name.stem for name in names if name.suffix == ".toml"))


def load_bundled(name: str) -> PromptSet:
    """A set inside the package by name; UsageError where there is none of that name."""
    known = bundled_names()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}."
        raise UsageError(f"No prompt set `{name}` comes with mediclip-index; {hint}")
    return parse((_SETS / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def load_file(path: str | Path) -> PromptSet:
    """The set in a TOML file; UsageError, in one sentence, where it can't be read or is wrong."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise UsageError(f"{path} is {what}; a prompt set is one TOML file.")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"There is no prompt file {path}.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"The prompt file {path} can't be read: {reason}.") from None
    if len(content) > MOST_BYTES:
        raise UsageError(f"{path} is larger than 1 MB; a prompt set is a short list of sentences.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: not UTF-8; save the file as UTF-8.") from None
    return parse(text, str(path))
