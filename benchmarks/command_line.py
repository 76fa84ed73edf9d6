"""What the measurements' command lines have in common."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def parser_of(about: str | None) -> argparse.ArgumentParser:
    """A parser that shows `about` as it is written, with --data, which $MEDICLIP_BENCH stands for:
    the folder of labelled pictures."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("MEDICLIP_BENCH")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    return parser
