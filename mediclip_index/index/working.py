"""What `Index` does every day: take in, ask, search, label, and the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mediclip_index.jobs import audit as audit_job
from mediclip_index.jobs import build as build_job
from mediclip_index.jobs import columns as columns_job
from mediclip_index.jobs import import_labels as import_labels_job
from mediclip_index.jobs import label as label_job
from mediclip_index.jobs import lookup as lookup_job
from mediclip_index.jobs import prompt_sets as prompt_sets_job
from mediclip_index.jobs import query as query_job
from mediclip_index.jobs import search as search_job
from mediclip_index.jobs import split as split_job
from mediclip_index.jobs import summary as summary_job
from mediclip_index.session import kinds as kinds_job
from mediclip_index.session import session as session_job
from mediclip_index.types import (
    BuildOptions,
    BuildReport,
    ImportOptions,
    InfoReport,
    LabelEvent,
    LabelReport,
    Pixels,
    Progress,
    PromptSetFacts,
    PromptTrial,
    QueryOptions,
    QueryReport,
    SearchQuery,
    SearchReport,
    Silent,
    SummaryReport,
    Vectors,
    Verdict,
)


class Working:
    """Build, query, search, labels and prompts; see Index."""

    _session: session_job.Session

    def build(
        self,
        sources: Sequence[str] = (),
        options: BuildOptions | None = None,
        *,
        progress: Progress | None = None,
        **changes: Any,
    ) -> BuildReport:
        """Add images. No sources: those the index knows; in a new index, the samples.

        Options are those of BuildOptions, as one value or by name. `labels` is "auto" (folder
        names), "none" or a CSV file. Unchanged files (path, size, mtime_ns) are not read again
        unless `rehash`. Where more than a tenth of a source's files have vanished nothing is marked
        gone there unless `allow_missing`. With `prune`, images of which no file is left are
        removed: they do not come back with their file (see `remove`). With `reread`, images that an
        earlier version read in another way are read again by this one (all sources; verdicts given
        before can be replayed as they were).
        """
        return build_job.build(
            self._session, sources, BuildOptions.changed(options, **changes), progress or Silent()
        )

    def query(
        self,
        sources: Sequence[str],
        options: QueryOptions | None = None,
        *,
        stdin: bytes | None = None,
        seen: Callable[[Verdict, Pixels], None] | None = None,
        progress: Progress | None = None,
        **changes: Any,
    ) -> QueryReport:
        """Verdicts for files, folders, CSV lists; "-" is the picture in `stdin`.

        Options are those of QueryOptions, as one value or by name. One verdict a picture, in the
        order given. `k`, `alpha` and `references` False (without the model's own) are what-ifs and
        are answered uncalibrated. `as_of` (ISO 8601) answers with the labels, images, words and
        settings of that moment. Files are found and read as by `build`. `seen` is called with each
        verdict and its picture as the model saw it, (h, w, 3) uint8.
        """
        return query_job.query_files(
            self._session,
            sources,
            QueryOptions.changed(options, **changes),
            stdin=stdin,
            seen=seen,
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

        `where` is one SQL condition over the columns that `info()` lists. With nothing but `where`,
        the first `k` that match, or all (None), in order of id, with similarity 1. `kinds`: only
        images of one of these, by a person's word or the verdict by what is in force. With `guess`
        each result says the verdict too.
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
        column that `info()` lists), how many of them sure, unsure or labelled by a person, and the
        likeliest of each. All are judged from their stored vectors; nothing is kept of it."""
        return summary_job.summary(self._session, by=by, where=where, progress=progress or Silent())

    def kinds(self) -> dict[str, str]:
        """The kinds of the prompt set in force, each with its class."""
        return kinds_job.kinds(self._session)

    def known_kinds(self, said: Sequence[str], *, prompts: str | None = None) -> tuple[str, ...]:
        """Kinds by the names that a prompt set (None: the one in force) has for them; the name of a
        family ("ultrasound", "xray") stands for all of its kinds, "=ultrasound" for that kind
        alone. UsageError, with near ones, where one is unknown."""
        return kinds_job.known_kinds(self._session, said, prompts=prompts)

    def set_label(
        self,
        label: str | None,
        ids: Sequence[int],
        *,
        split: str | None = None,
        subject: str | None = None,
        kind: str | None = None,
    ) -> LabelReport:
        """Label images by id; an empty text ("") takes away what was said, None leaves it. A
        `kind` is a group of the prompt set, and says its class too where none is known."""
        return label_job.set_label(
            self._session, label, ids, split=split, subject=subject, kind=kind
        )

    def split(
        self,
        shares: Mapping[str, float],
        *,
        by: str = "source",
        where: str | None = None,
        seed: int = 0,
    ) -> LabelReport:
        """Deal labelled images that have no split into splits ({"test": 0.3}), class by class;
        those that share a value of `by` (a column, "folder" or "source"), or a subject, stay
        together. The rest stays support."""
        return split_job.split(self._session, shares, by=by, where=where, seed=seed)

    def image_ids(self, given: Sequence[str | int], *, all_pages: bool = False) -> list[int]:
        """The ids of pictures by id ("12", "#12") or path. UsageError where the index does not hold
        a path, or where that holds several pictures and not `all_pages` are asked for."""
        return lookup_job.image_ids(self._session, given, all_pages=all_pages)

    def import_labels(
        self,
        file: str | Path,
        *,
        machine_labels: bool = False,
        all_pages: bool = False,
        keep_columns: bool = False,
    ) -> LabelReport:
        """Labels, splits and subjects from a CSV file, by `image` (an id) or by path with page and
        item. A path with several pictures labels none unless `all_pages`; other columns are passed
        over unless `keep_columns`; UsageError where the labels are the machine's, unless
        `machine_labels` (which takes its guesses where label is empty)."""
        options = ImportOptions(
            machine_labels=machine_labels, all_pages=all_pages, keep_columns=keep_columns
        )
        return import_labels_job.import_labels(self._session, Path(file), options)

    def is_class(self, word: str) -> bool:
        """Whether a word is a class of the prompt set in force, however it is written."""
        return lookup_job.is_class(self._session, word)

    def label_history(self, image: int) -> list[LabelEvent]:
        return label_job.label_history(self._session, image)

    def prompt_sets(self) -> list[PromptSetFacts]:
        """The sets that the index and the package know."""
        return prompt_sets_job.prompt_sets(self._session)

    def prompt_source(self, name: str | None = None) -> str:
        """The TOML text of a set (None: the one in force)."""
        return prompt_sets_job.prompt_source(self._session, name)

    def add_prompts(self, file: str | Path, *, use: bool = True) -> PromptSetFacts:
        """Keep a prompt set in the index and, with `use`, answer with it from now on.

        No image is embedded again: a class can be added by words alone.
        """
        return prompt_sets_job.add_prompts(self._session, Path(file), use=use)

    def try_prompts(
        self, sentences: Sequence[str] = (), *, prompts: str | None = None, k: int = 10
    ) -> list[PromptTrial]:
        """Which indexed images each sentence pulls (no sentences: those of the set)."""
        return prompt_sets_job.try_prompts(self._session, sentences, prompts=prompts, k=k)

    def info(self) -> InfoReport:
        return audit_job.info(self._session)

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """The stored unit vectors (n, dim) of indexed images, in the order asked for."""
        return search_job.vectors_of(self._session, ids)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of sentences, by the index's model."""
        return search_job.encode_texts(self._session, texts)

    def path_of(self, image: int) -> str:
        """Where an indexed image lies, or lay when it was last seen."""
        return label_job.path_of(self._session, image)
