"""`Index`: the one door to an index folder. It introduces the rooms to each other, nothing more.

from mediclip_index import Index

index = Index.create("indexes/default")
index.build(["photos/"])
for verdict in index.query(["photo.png"]).verdicts:
    print(verdict.path, verdict.label, verdict.probability, verdict.why)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mediclip_index import assess, jobs
from mediclip_index.catalog import Catalog
from mediclip_index.terms import (
    AuditRow,
    BuildReport,
    ChainReport,
    CompareReport,
    DuplicatesReport,
    EvaluationReport,
    InfoReport,
    LabelEvent,
    LabelReport,
    MistakesReport,
    Progress,
    PromptSetFacts,
    PromptTrial,
    Proposal,
    QueryReport,
    ReplayReport,
    SearchReport,
    Silent,
    TuneReport,
    Vectors,
)


class Index:
    """An index folder: images, their vectors, labels, words, and every verdict ever given.

    Methods open the catalog for as short a time as they can, so that several processes may work on
    one index together. All errors are `terms.MediclipError`s.
    """

    def __init__(self, catalog: Catalog, *, by: str | None = None, device: str = "auto") -> None:
        self._desk = jobs.Desk(catalog, by=by, device=device)

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        model: str = "auto",
        prompts: str = "medical",
        by: str | None = None,
        device: str = "auto",
    ) -> Index:
        """Make a new index folder. `prompts` is a bundled set's name or a TOML file.

        Raises WrongUsage where the folder holds something else, ModelUnavailable where the model
        can't be had.
        """
        catalog = jobs.found(Path(path), model=model, prompts=prompts, by=by, device=device)
        return cls(catalog, by=by, device=device)

    @classmethod
    def open(cls, path: str | Path, *, by: str | None = None, device: str = "auto") -> Index:
        """Open an existing index; raises NoIndex where there is none, or a newer one."""
        return cls(Catalog.open(Path(path)), by=by, device=device)

    @staticmethod
    def exists(path: str | Path) -> bool:
        return Catalog.exists(Path(path))

    @property
    def path(self) -> Path:
        return self._desk.catalog.folder

    def build(
        self,
        sources: Sequence[str] = (),
        *,
        labels: str = "auto",
        frames: Literal["first", "all"] = "first",
        pdf: Literal["images", "pages"] = "images",
        rehash: bool = False,
        allow_missing: bool = False,
        batch_size: int = 32,
        progress: Progress | None = None,
    ) -> BuildReport:
        """Take images in. No sources: those the index knows; in a new index, the samples.

        `labels` is "auto" (folder names), "none" or a CSV file. Unchanged files (path, size,
        mtime_ns) are not read again unless `rehash`. Where more than a tenth of a source's files
        have vanished nothing is marked gone there unless `allow_missing`.
        """
        return jobs.build(
            self._desk,
            sources,
            labels=labels,
            frames=frames,
            pdf=pdf,
            rehash=rehash,
            allow_missing=allow_missing,
            batch_size=batch_size,
            progress=progress or Silent(),
        )

    def query(
        self,
        sources: Sequence[str],
        *,
        stdin: bytes | None = None,
        k: int | None = None,
        alpha: float | None = None,
        prompts: str | None = None,
        frames: Literal["first", "all"] = "first",
        pdf: Literal["images", "pages"] = "images",
        audit: bool = True,
        progress: Progress | None = None,
    ) -> QueryReport:
        """Verdicts for files, folders, CSV lists; "-" is the picture in `stdin`.

        One verdict a picture, in the order given. `alpha` is a what-if and is answered
        uncalibrated. `prompts` names another set (known to the index, bundled, or a file).
        """
        return jobs.query_files(
            self._desk,
            sources,
            stdin=stdin,
            k=k,
            alpha=alpha,
            prompts=prompts,
            frames=frames,
            pdf=pdf,
            audit=audit,
            progress=progress or Silent(),
        )

    def query_indexed(
        self,
        *,
        where: str | None = None,
        k: int | None = None,
        alpha: float | None = None,
        prompts: str | None = None,
        audit: bool = True,
        progress: Progress | None = None,
    ) -> QueryReport:
        """Verdicts for the images that the index holds, from their stored vectors."""
        return jobs.query_indexed(
            self._desk,
            where=where,
            k=k,
            alpha=alpha,
            prompts=prompts,
            audit=audit,
            progress=progress or Silent(),
        )

    def search(
        self,
        text: Sequence[str] = (),
        *,
        images: Sequence[str] = (),
        like: Sequence[int] = (),
        without: Sequence[str] = (),
        where: str | None = None,
        k: int = 10,
        min_similarity: float | None = None,
    ) -> SearchReport:
        """The indexed images nearest to a weighted mix of texts, picture files and indexed images.

        A text or file may carry a weight, `TEXT::0.5`; `without` is subtracted. `where` is one SQL
        condition over the columns that `info()` lists. With nothing but `where`, all that match,
        in order of id, with similarity 1.
        """
        return jobs.search(
            self._desk,
            text,
            images=images,
            like=like,
            without=without,
            where=where,
            k=k,
            min_similarity=min_similarity,
        )

    def set_label(
        self,
        label: str | None,
        ids: Sequence[int],
        *,
        split: str | None = None,
        subject: str | None = None,
    ) -> LabelReport:
        """Label images by id; an empty label ("") takes the label away; None leaves it."""
        return jobs.set_label(self._desk, label, ids, split=split, subject=subject)

    def import_labels(self, file: str | Path) -> LabelReport:
        """Labels, splits, subjects and attributes by path from a CSV file."""
        return jobs.import_labels(self._desk, Path(file))

    def label_history(self, image: int) -> list[LabelEvent]:
        return jobs.label_history(self._desk, image)

    def prompt_sets(self) -> list[PromptSetFacts]:
        """The sets that the index and the package know."""
        return jobs.prompt_sets(self._desk)

    def prompt_source(self, name: str | None = None) -> str:
        """The TOML text of a set (None: the one in force)."""
        return jobs.prompt_source(self._desk, name)

    def add_prompts(self, file: str | Path, *, use: bool = True) -> PromptSetFacts:
        """Keep a prompt set in the index and, with `use`, answer with it from now on.

        No image is embedded again: a class can be added by words alone.
        """
        return jobs.add_prompts(self._desk, Path(file), use=use)

    def try_prompts(
        self, sentences: Sequence[str] = (), *, prompts: str | None = None, k: int = 10
    ) -> list[PromptTrial]:
        """Which indexed images each sentence pulls (no sentences: those of the set)."""
        return jobs.try_prompts(self._desk, sentences, prompts=prompts, k=k)

    def info(self) -> InfoReport:
        return jobs.info(self._desk)

    def audit_list(
        self,
        *,
        limit: int | None = 20,
        label: str | None = None,
        unsure: bool | None = None,
        path: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> list[AuditRow]:
        """Past verdicts, newest first, those still in the spool included."""
        return jobs.audit_list(
            self._desk,
            limit=limit,
            label=label,
            unsure=unsure,
            path=path,
            since=since,
            until=until,
        )

    def audit_show(self, verdict: str) -> AuditRow:
        """One past verdict by its id, or by an unambiguous beginning of it."""
        return jobs.audit_show(self._desk, verdict)

    def audit_verify(self) -> ChainReport:
        """Recompute the chain of hashes over all verdicts."""
        return jobs.audit_verify(self._desk)

    def audit_replay(
        self,
        verdicts: Sequence[str] = (),
        *,
        last: int | None = None,
        progress: Progress | None = None,
    ) -> ReplayReport:
        """Give past verdicts again as of their moment (labels, images, words and settings then in
        force); none named: the `last` ones, or all. Different is another label or doubt, or a
        probability that is off by more than 0.001."""
        return assess.replay(self._desk, verdicts, last=last, progress=progress or Silent())

    def tune(
        self,
        *,
        prompts: str | None = None,
        objective: str = "log-loss",
        coverage: float = 0.95,
        leave_sources_out: bool | None = None,
        allow_duplicates: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> TuneReport:
        """Choose the settings on the split `tune`, calibrate on `calibrate`, and put both in force.

        `val` alone is halved by subject; with neither, support images are judged as if they were
        new. `test` is never looked at. Sources are left out where two or more are known, unless
        said otherwise. `coverage` is how often a verdict's set of classes must hold the truth.
        """
        return assess.tune(
            self._desk,
            prompts=prompts,
            objective=objective,
            coverage=coverage,
            leave_sources_out=leave_sources_out,
            allow_duplicates=allow_duplicates,
            dry_run=dry_run,
            progress=progress or Silent(),
        )

    def evaluate(
        self,
        *,
        split: str = "test",
        prompts: str | None = None,
        leave_out: Sequence[str] = (),
        alpha: float | None = None,
        k: int | None = None,
        progress: Progress | None = None,
    ) -> EvaluationReport:
        """Words, neighbours and blend on a split ("all": on every labelled image), each image
        judged as if it were new; `leave_out` names columns ("source") that an image and its voters
        may not share. The report is kept under its number."""
        return assess.evaluate(
            self._desk,
            split=split,
            prompts=prompts,
            leave_out=leave_out,
            alpha=alpha,
            k=k,
            progress=progress or Silent(),
        )

    def compare_evaluations(self, first: int, second: int) -> dict[str, object]:
        """Two kept evaluations by number, as plain values."""
        return assess.compared(self._desk, first, second)

    def mistakes(
        self, *, prompts: str | None = None, progress: Progress | None = None
    ) -> MistakesReport:
        """Every labelled image judged as if it were new: what is judged wrong and why, labels that
        look wrong (most suspect first), and near-duplicates with contradicting labels."""
        return assess.mistakes(self._desk, prompts=prompts, progress=progress or Silent())

    def duplicates(
        self, *, least: float = 0.998, progress: Progress | None = None
    ) -> DuplicatesReport:
        """Images that are the same under several paths, or nearly the same (cosine >= `least`),
        within and across splits and labels."""
        return assess.duplicates(self._desk, least=least, progress=progress or Silent())

    def compare(
        self,
        *,
        split: str = "test",
        nets: bool = False,
        epochs: int = 3,
        progress: Progress | None = None,
    ) -> CompareReport:
        """The blend beside other methods, all learning from the support and answering for `split`;
        `nets` trains two networks on the pictures themselves."""
        return assess.compare(
            self._desk, split=split, nets=nets, epochs=epochs, progress=progress or Silent()
        )

    def label_next(self, count: int = 10) -> list[Proposal]:
        """The unlabelled images whose labels would teach most, the most telling first."""
        return assess.label_next(self._desk, count)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """The stored unit vectors (n, dim) of indexed images, in the order asked for."""
        return jobs.vectors_of(self._desk, ids)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of sentences, by the index's model."""
        return jobs.encode_texts(self._desk, texts)

    def path_of(self, image: int) -> str:
        """Where an indexed image lies, or lay when it was last seen."""
        return jobs.path_of(self._desk, image)
