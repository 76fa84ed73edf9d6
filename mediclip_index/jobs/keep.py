"""Files from elsewhere that become part of the index, and lie in its folder from then on."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from mediclip_index.jobs import build
from mediclip_index.session.session import Session
from mediclip_index.types import BuildOptions, BuildReport, Progress, UsageError

FOLDER = "kept"


def keep(session: Session, files: Sequence[str], progress: Progress) -> BuildReport:
    """See Index.keep."""
    if not files:
        raise UsageError("Name at least one file to keep.")
    if session.names.hashed:
        raise UsageError(
            "This index stores no paths, so it keeps no uploads: build it from a folder instead."
        )
    today = dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d")
    folder = session.catalog.folder / FOLDER / f"{today}-{os.urandom(4).hex()}"
    for number, file in enumerate(files, 1):
        # Files of one name stay apart.
        place = folder / f"{number:04}" / Path(file).name
        place.parent.mkdir(parents=True)
        shutil.copyfile(file, place)
    options = BuildOptions(labels="none", workers=min(2, os.cpu_count() or 1))
    return build.build(session, (str(folder),), options, progress)


def forget(index: Path, paths: Iterable[str]) -> None:
    """Delete those of these files that an index keeps in its own folder."""
    own = (index / FOLDER).absolute()
    for path in paths:
        if Path(path).absolute().is_relative_to(own) and ".." not in Path(path).parts:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
