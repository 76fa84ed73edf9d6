"""The errors that people can meet: one sentence each, and the exit code of the command."""

from __future__ import annotations


class MediclipError(Exception):
    """Root of all errors a user can meet; the message is one sentence that says what to do."""

    exit_code = 1


class UsageError(MediclipError):
    """A request that can't be carried out as it was put (unknown class, bad CSV, bad condition)."""

    exit_code = 2


class IndexUnavailable(MediclipError):
    """An index can't be opened: see the subclasses."""

    exit_code = 4


class IndexNotFound(IndexUnavailable):
    """There is no folder, or no index in it."""


class IndexDamaged(IndexUnavailable):
    """What the index holds can't be read, or was never finished."""


class IndexTooNew(IndexUnavailable):
    """A newer mediclip-index made it."""


class IndexBusy(MediclipError):
    """Another process held the index longer than we were ready to wait."""

    exit_code = 4


class WriteError(MediclipError):
    """The index folder can't be written to: the disk is full, or the folder is read-only."""

    exit_code = 4


class ModelUnavailable(MediclipError):
    """The model can't be had: unknown name, weights not here, or weights that would mislead."""

    exit_code = 5
