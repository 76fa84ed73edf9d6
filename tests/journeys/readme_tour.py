"""The tour of the README and docs/tour.md: its commands, what they print, what the pages say.

`python tests/journeys/readme_tour.py` writes what they print into both pages.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
PAGES = (README, README.parent / "docs" / "tour.md")  # in the order in which a reader runs them
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command of the tour and the lines that stand beneath it."""

    command: str
    output: tuple[str, ...]


def steps(text: str) -> list[Step]:
    """All steps of all console blocks, in order."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *output = part.rstrip("\n").split("\n")
            found.append(Step(command, tuple(output)))
    return found


def run(command: str, folder: Path) -> str:
    """What a person in `folder` sees (errors too), without a terminal's colours or width."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    known = {k: v for k, v in os.environ.items() if not k.startswith("MEDICLIP")}
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**known, "PATH": tools, "HF_HUB_CACHE": str(folder / "cache"), "USER": "you"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=True,
    )
    return tidy(done.stdout, folder)


def tidy(text: str, folder: Path) -> str:
    """Without the places of this machine: files by the last part of their package's path."""
    text = text.replace(str(folder), "/home/you")
    return re.sub(r"/\S*/(?:site|dist)-packages/(?:\S*/)?", ".../", text)


def gist(text: str) -> list[str]:
    """Lines whose numbers, ids, times and spacing do not matter."""
    text = re.sub(r"\b[0-9a-f-]{12,}\b", "ID", text)
    text = re.sub(r"[\d.,]+", "0", text)
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def main() -> None:
    with tempfile.TemporaryDirectory() as place:

        def refreshed(match: re.Match[str]) -> str:
            lines = []
            for step in steps(match.group(0)):
                lines.append(f"$ {step.command}\n{run(step.command, Path(place))}".rstrip())
            return "```console\n" + "\n".join(lines) + "\n```"

        for page in PAGES:
            page.write_text(BLOCK.sub(refreshed, page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
