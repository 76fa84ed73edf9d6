"""What a command asks before it does what may not be meant."""

from __future__ import annotations

import sys

import click

ASK_FROM = 20  # images; more are not taken out without a question


def agreed(question: str, unasked: str) -> None:
    """Go on only where somebody says yes; where nobody can be asked, UsageError with `unasked`."""
    if not sys.stdin.isatty():
        raise click.UsageError(unasked)
    click.confirm(question, abort=True, err=True)
