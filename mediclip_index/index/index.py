"""`Index`: it introduces the rooms to each other, nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mediclip_index.catalog import Catalog
from mediclip_index.index.audit import Audit
from mediclip_index.index.evaluations import Evaluations
from mediclip_index.index.images import Images
from mediclip_index.index.labels import Labels
from mediclip_index.index.map import Map
from mediclip_index.index.prompts import Prompts
from mediclip_index.index.settings import SettingsHistory
from mediclip_index.jobs import audit as audit_job
from mediclip_index.jobs import build as build_job
from mediclip_index.jobs import columns as columns_job
from mediclip_index.jobs import create as create_job
from mediclip_index.jobs import export as export_job
from mediclip_index.jobs import keep as keep_job
from mediclip_index.jobs import query as query_job
from mediclip_index.jobs import remove as remove_job
from mediclip_index.jobs import repair as repair_job
from mediclip_index.jobs import search as search_job
from mediclip_index.jobs import summary as summary_job
from mediclip_index.jobs import verify as verify_job
from mediclip_index.session.session import Session
from mediclip_index.types import (
    BackupReport,
    BuildOptions,
    BuildReport,
    CompareReport,
    CreateOptions,
    DuplicatesReport,
    EvaluateOptions,
    EvaluationReport,
    ExportReport,
    InfoReport,
    MistakesReport,
    ModelOptions,
    Pixels,
    Progress,
    QueryOptions,
    QueryReport,
    RemoveReport,
    RepairReport,
    SearchQuery,
    SearchReport,
    Silent,
    SummaryReport,
    TuneOptions,
    TuneReport,
    Vectors,
    Verdict,
    VerifyReport,
    WhatIf,
)
from mediclip_index.types.options import in_sequence


class Index:
    """An index folder: images, their vectors, labels, words, and every verdict ever given.

    Methods open the catalog for as short a time as they can, so that several processes may work on
    one index together. All errors are `types.MediclipError`s.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.images = Images(session)
        self.labels = Labels(session)
        self.map = Map(session)
        self.prompts = Prompts(session)
        self.audit = Audit(session)
        self.evaluations = Evaluations(session)
        self.settings = SettingsHistory(session)

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
        return cls(Session(catalog, by=by, options=running))

    @classmethod
    def from_export(
        cls, path: str | Path, export: str | Path, *, by: str | None = None, device: str = "auto"
    ) -> Index:
        """Make an index of what `export` wrote: same ids, labels with their history, verdicts."""
        catalog = export_job.from_export(Path(path), Path(export))
        return cls(Session(catalog, by=by, options=ModelOptions(device=device)))

    @classmethod
    def restore(
        cls, path: str | Path, backup: str | Path, *, by: str | None = None, device: str = "auto"
    ) -> Index:
        """Bring an index back from what `backup` wrote, where there is none."""
        catalog = export_job.restore(Path(path), Path(backup))
        return cls(Session(catalog, by=by, options=ModelOptions(device=device)))

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

    def signed_by(self, author: str) -> Index:
        """The same index with another author; the model that is loaded serves both."""
        return Index(self._session.signed_by(author))

    def at_one_moment(self, look: Callable[[], Any]) -> Any:
        """What `look` gives, all of whose reads see one moment; for several small ones."""
        return self._session.at_one_moment(look)

    @property
    def hashes_paths(self) -> bool:
        """Whether this index names files by salted hashes."""
        return self._session.names.hashed

    def build(
        self,
        sources: str | Sequence[str] = (),
        options: BuildOptions | None = None,
        *,
        progress: Progress | None = None,
        **changes: Any,
    ) -> BuildReport:
        """Add images. No sources: those the index knows; in a new index, the samples.

        Options are those of BuildOptions, as one value or by name. Unchanged files (path, size,
        mtime_ns) are not read again unless `rehash`. Where more than a tenth of a source's files
        have vanished nothing is marked gone there unless `allow_missing`. With `prune`, images of
        which no file is left are removed: they do not come back with their file (see `remove`).
        """
        chosen = BuildOptions.changed(options, **changes)
        return build_job.build(self._session, in_sequence(sources), chosen, progress or Silent())

    def keep(self, files: Sequence[str], *, progress: Progress | None = None) -> BuildReport:
        """Copy files into the index folder and add what they hold; a purge deletes the copies."""
        return keep_job.keep(self._session, in_sequence(files), progress or Silent())

    def query(
        self,
        sources: str | Sequence[str],
        options: QueryOptions | None = None,
        *,
        stdin: bytes | None = None,
        seen: Callable[[Verdict, Pixels], None] | None = None,
        called: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        **changes: Any,
    ) -> QueryReport:
        """Verdicts for files, folders, CSV lists; "-" is the picture in `stdin`.

        Options are those of QueryOptions, as one value or by name. One verdict a picture, in the
        order given. `k`, `alpha` and `references` False (without the model's own) are what-ifs and
        are answered uncalibrated. `as_of` (ISO 8601) answers with the labels, images, words and
        settings of that moment. Files are found and read as by `build`. `seen` is called with each
        verdict and its picture as the model saw it, (h, w, 3) uint8; `called` names sources
        otherwise than where they lie (an upload, say).
        """
        return query_job.query_files(
            self._session,
            in_sequence(sources),
            QueryOptions.changed(options, **changes),
            stdin=stdin,
            seen=seen,
            called=called,
            progress=progress or Silent(),
        )

    def query_indexed(
        self,
        options: QueryOptions | None = None,
        *,
        where: str | None = None,
        progress: Progress | None = None,
        **changes: Any,
    ) -> QueryReport:
        """Verdicts for the images that the index holds, from their stored vectors."""
        return query_job.query_indexed(
            self._session,
            QueryOptions.changed(options, **changes),
            where=where,
            progress=progress or Silent(),
        )

    def search(
        self,
        text: Sequence[str] = (),
        query: SearchQuery | None = None,
        *,
        guess: bool = False,
        progress: Progress | None = None,
        **changes: Any,
    ) -> SearchReport:
        """The indexed images nearest to what a SearchQuery asks for, as one value or by name.

        `where` is one SQL condition over the columns that `info()` lists; with nothing else, the
        first `k` that match, or all (None), in order of id, or the most doubtful first where it
        asks for `unsure`. With `guess` each result says verdict, kind and probability too.
        """
        if text:
            changes["text"] = text
        report = search_job.search(
            self._session, SearchQuery.changed(query, **changes), progress=progress or Silent()
        )
        if not guess:
            return report
        return columns_job.with_verdicts(self._session, report, progress=progress)

    def summary(
        self, *, by: str = "kind", where: str | None = None, progress: Progress | None = None
    ) -> SummaryReport:
        """How many images there are of each class and kind (or folder, source, split, or any
        column of `info()`), how many sure, unsure or labelled by hand, and the likeliest."""
        return summary_job.summary(self._session, by=by, where=where, progress=progress or Silent())

    def info(self) -> InfoReport:
        return audit_job.info(self._session)

    def tune(
        self,
        options: TuneOptions | None = None,
        *,
        progress: Progress | None = None,
        **changes: Any,
    ) -> TuneReport:
        """Choose the settings on the split `tune`, calibrate on `calibrate`, and put both in force.

        Options are those of TuneOptions, as one value or by name. `val` alone is halved by subject;
        with neither, the support does both, cross-fitted. `test` is never looked at. Splits that
        share near-duplicates or subjects are refused unless allowed.
        """
        from mediclip_index.evaluate import tune as tune_job

        return tune_job.tune(
            self._session, TuneOptions.changed(options, **changes), progress or Silent()
        )

    def evaluate(
        self,
        options: EvaluateOptions | None = None,
        *,
        progress: Progress | None = None,
        **changes: Any,
    ) -> EvaluationReport:
        """Words, neighbours and blend on a split ("all": on every labelled image), each image
        judged as if it were new; options are those of EvaluateOptions, as one value or by name.
        `leave_out` names columns ("source") that an image and its voters may not share. A split
        that shares subjects with another is refused unless allowed. The report is kept."""
        from mediclip_index.evaluate import evaluate as evaluate_job

        return evaluate_job.evaluate(
            self._session, EvaluateOptions.changed(options, **changes), progress or Silent()
        )

    def mistakes(
        self,
        *,
        prompts: str | None = None,
        references: bool = True,
        progress: Progress | None = None,
    ) -> MistakesReport:
        """Labelled images judged as if new: what is wrong and why, labels that look wrong (most
        suspect first), and near-duplicates with contradicting labels."""
        from mediclip_index.evaluate import mistakes as mistakes_job

        return mistakes_job.mistakes(
            self._session,
            prompts=prompts,
            what_if=WhatIf(references=references),
            progress=progress or Silent(),
        )

    def duplicates(
        self, *, least: float | None = None, progress: Progress | None = None
    ) -> DuplicatesReport:
        """Images that are the same under several paths, or copies of each other (compressed again,
        resized, cropped a little, made lighter), within and across splits and labels. With `least`
        those that are alike to the model, whatever their pixels: a cosine of that or more."""
        from mediclip_index.evaluate import duplicates as duplicates_job

        return duplicates_job.duplicates(self._session, least=least, progress=progress or Silent())

    def compare(
        self,
        *,
        split: str = "test",
        nets: bool = False,
        epochs: int = 3,
        references: bool = True,
        progress: Progress | None = None,
    ) -> CompareReport:
        """The blend beside other methods, taught by the support, on `split`; `nets` trains too."""
        from mediclip_index.evaluate import compare as compare_job

        return compare_job.compare(
            self._session,
            split=split,
            nets=nets,
            epochs=epochs,
            what_if=WhatIf(references=references),
            progress=progress or Silent(),
        )

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """The stored unit vectors (n, dim) of indexed images, in the order asked for."""
        return search_job.vectors_of(self._session, ids)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of sentences, by the index's model."""
        return search_job.encode_texts(self._session, texts)

    def verify(self, *, deep: int | None = None, progress: Progress | None = None) -> VerifyReport:
        """Hold the catalog against itself, the files on disk and the neighbour file, writing
        nothing; `deep` images are read and embedded again too."""
        return verify_job.verify(self._session, deep=deep, progress=progress or Silent())

    def repair(self, *, progress: Progress | None = None) -> RepairReport:
        """Make again what is derived (neighbour file, vectors whose files are there), delete
        unfinished files, set aside what fits nowhere. Throws away nothing else; may be killed and
        done again. Raises IndexUnavailable where the catalog itself can't be read."""
        return repair_job.repair(self._session, progress=progress or Silent())

    def remove(
        self,
        ids: Sequence[int] = (),
        *,
        where: str | None = None,
        what: Literal["removed", "restored", "purged"] = "removed",
        dry_run: bool = False,
        last: bool = False,
    ) -> RemoveReport:
        """Take images out, by id or by a condition; bring back also the `last` removal.

        A removed image is not there for any command and does not come back with its file, but
        nothing is lost: "restored" brings it back. "purged" erases: vectors, paths, labels,
        attributes and all verdicts on it or that name it, for the whole file with all its pages;
        only a tombstone stays, so that the audit's chain holds.

        Ids that the index does not have are told in `unknown`; UsageError where it has none of
        them. To restore, `where` is asked of removed images as they were when they were taken out.
        """
        chosen = [int(i) for i in in_sequence(ids)]
        return remove_job.remove(
            self._session, chosen, where=where, what=what, dry_run=dry_run, last=last
        )

    def export(self, folder: str | Path) -> ExportReport:
        """Write the library, and all tables but that of neighbour files, as Parquet."""
        return export_job.export(self._session, Path(folder))

    def backup(self, file: str | Path) -> BackupReport:
        """Write the index as it stands at this moment to one new file; it may be in use."""
        return export_job.backup(self._session, Path(file))
