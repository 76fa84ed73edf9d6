"""The small model, the pictures and the index that the tests of jobs use, and the command on it."""

from pathlib import Path

from click.testing import CliRunner, Result

from mediclip_index.cli.root import cli
from tests.jobs.conftest import built, index, photographs, pile, tiny_model

__all__ = ["built", "index", "photographs", "pile", "run", "tiny_model"]


def run(folder: Path, *words: str) -> Result:
    """The command as it is typed, in this process, on the index in a folder."""
    return CliRunner().invoke(cli, ["--index", str(folder), *words])
