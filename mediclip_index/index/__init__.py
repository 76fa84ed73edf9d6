"""`Index`: the one door to an index folder. It introduces the rooms to each other, nothing more.

from mediclip_index import Index

index = Index.create("indexes/default")
index.build(["photos/"])
for verdict in index.query(["photo.png"]).verdicts:
    print(verdict.path, verdict.label, verdict.probability, verdict.why)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mediclip_index.catalog import Catalog
from mediclip_index.index.assessing import Assessing
from mediclip_index.index.keeping import Keeping
from mediclip_index.index.working import Working
from mediclip_index.jobs import create as create_job
from mediclip_index.jobs import export as export_job
from mediclip_index.session import session as session_job
from mediclip_index.types import CreateOptions, ModelOptions


class Index(Working, Assessing, Keeping):
    """An index folder: images, their vectors, labels, words, and every verdict ever given.

    Methods open the catalog for as short a time as they can, so that several processes may work on
    one index together. All errors are `terms.MediclipError`s.
    """

    def __init__(self, session: session_job.Session) -> None:
        self._session = session

    @classmethod
    def create(
        cls,
        path: str | Path,
        options: CreateOptions | None = None,
        *,
        by: str | None = None,
        **changes: Any,
    ) -> Index:
        """Make a new index folder. Options are those of CreateOptions and ModelOptions, as one
        value or by name. `prompts` is a bundled set's name or a TOML file. With `hash_paths` it
        stores and shows salted hashes in place of all paths, for ever.

        Raises UsageError where the folder holds something else, ModelUnavailable where the model
        can't be had.
        """
        return cls(create_job.create(Path(path), CreateOptions.changed(options, **changes), by))

    @classmethod
    def open(
        cls,
        path: str | Path,
        options: ModelOptions | None = None,
        *,
        by: str | None = None,
        **changes: Any,
    ) -> Index:
        """Open an existing index, with ModelOptions as one value or by name; raises
        IndexUnavailable where there is none, or a newer one."""
        catalog = Catalog.open(Path(path))
        running = ModelOptions.changed(options, **changes)
        return cls(session_job.Session(catalog, by=by, options=running))

    @classmethod
    def from_export(
        cls, path: str | Path, export: str | Path, *, by: str | None = None, device: str = "auto"
    ) -> Index:
        """Make an index of what `export` wrote: same ids, labels with their history, verdicts."""
        catalog = export_job.from_export(Path(path), Path(export))
        return cls(session_job.Session(catalog, by=by, options=ModelOptions(device=device)))

    @classmethod
    def restore(
        cls, path: str | Path, backup: str | Path, *, by: str | None = None, device: str = "auto"
    ) -> Index:
        """Bring an index back from what `backup` wrote, where there is none."""
        catalog = export_job.restore(Path(path), Path(backup))
        return cls(session_job.Session(catalog, by=by, options=ModelOptions(device=device)))

    @staticmethod
    def is_export(folder: str | Path) -> bool:
        return export_job.is_export(Path(folder))

    @staticmethod
    def exists(path: str | Path) -> bool:
        return Catalog.exists(Path(path))

    @staticmethod
    def discard(path: str | Path) -> None:
        """Take away an index that holds nothing yet; one that holds images or verdicts stays."""
        Catalog.discard(Path(path))

    @property
    def path(self) -> Path:
        return self._session.catalog.folder

    @property
    def author(self) -> str:
        """Who signs what is written."""
        return self._session.author

    @property
    def hashes_paths(self) -> bool:
        """Whether this index names files by salted hashes."""
        return self._session.names.hashed
