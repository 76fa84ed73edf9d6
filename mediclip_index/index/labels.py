"""What people say of images: `index.labels`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mediclip_index.jobs import foresee as foresee_job
from mediclip_index.jobs import import_labels as import_labels_job
from mediclip_index.jobs import label as label_job
from mediclip_index.jobs import lookup as lookup_job
from mediclip_index.jobs import split as split_job
from mediclip_index.session import kinds as kinds_job
from mediclip_index.session.session import Session
from mediclip_index.types import (
    Foreseen,
    ImportOptions,
    LabelEvent,
    LabelReport,
    Proposal,
)


class Labels:
    """Labels, kinds, splits and subjects of an index."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set(
        self,
        label: str | None,
        ids: Sequence[int],
        *,
        split: str | None = None,
        subject: str | None = None,
        kind: str | None = None,
        count_turned: bool = True,
    ) -> LabelReport:
        """Label images by id; an empty text ("") takes away what was said, None leaves it. A
        `kind` is a group of the prompt set, and says its class too where none is known.
        `count_turned` False: without looking at which verdicts would turn by it."""
        return label_job.set_label(
            self._session, label, ids, split=split, subject=subject, kind=kind,
            count_turned=count_turned,
        )  # fmt: skip

    def undo(self, tx: int) -> LabelReport:
        """Say of the images labelled by hand in a transaction (LabelReport.tx) what was said of
        them before it; those of which something was said since stay as they are. Nothing is
        deleted: this adds rows, signed by who undid. UsageError where there was no such label."""
        return label_job.undo(self._session, tx)

    def from_csv(
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

    def history(self, image: int) -> list[LabelEvent]:
        return label_job.label_history(self._session, image)

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

    def would_turn(self, image: int, label: str) -> Foreseen:
        """How many images around an indexed one would be of another class, were it labelled so;
        nothing is written."""
        return foresee_job.would_turn(self._session, image, label)

    def next(self, count: int = 10) -> list[Proposal]:
        """The unlabelled images whose labels would teach most, the most telling first."""
        from mediclip_index.evaluate import propose as propose_job

        return propose_job.label_next(self._session, count)

    def is_class(self, word: str) -> bool:
        """Whether a word is a class of the prompt set in force, however it is written."""
        return lookup_job.is_class(self._session, word)

    def kinds(self) -> dict[str, str]:
        """The kinds of the prompt set in force, each with its class."""
        return kinds_job.kinds(self._session)

    def known_kinds(self, said: Sequence[str], *, prompts: str | None = None) -> tuple[str, ...]:
        """Kinds by the names that a prompt set (None: the one in force) has for them; the name of a
        family ("ultrasound", "xray") stands for all of its kinds, "=ultrasound" for that kind
        alone. UsageError, with near ones, where one is unknown."""
        return kinds_job.known_kinds(self._session, said, prompts=prompts)
