"""The command line: parse, call Index, hand the result to show. One file a command."""

from mediclip_index.cli.root import cli, main

__all__ = ["cli", "main"]
