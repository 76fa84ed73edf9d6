"""What `Index` can say of itself: its audit, how good it is, and how to make it better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mediclip_index.jobs import audit as audit_job
from mediclip_index.jobs import reread as reread_job
from mediclip_index.jobs import settings as settings_job
from mediclip_index.jobs import turned as turned_job
from mediclip_index.session import session as session_job
from mediclip_index.types import (
    AuditFilter,
    AuditRow,
    ChainReport,
    CompareReport,
    DuplicatesReport,
    EvaluateOptions,
    EvaluationComparison,
    EvaluationReport,
    MistakesReport,
    Pixels,
    Progress,
    Proposal,
    ReplayReport,
    SettingsReport,
    Silent,
    TuneOptions,
    TuneReport,
    TurnedReport,
    WhatIf,
    WordsReport,
)


class Assessing:
    """Audit, tune, evaluate, mistakes and their kin; see Index."""

    _session: session_job.Session

    def audit_list(self, filter: AuditFilter | None = None, **changes: Any) -> list[AuditRow]:
        """Past verdicts, newest first, those still in the spool included; which of them is said as
        an AuditFilter, as one value or by name."""
        return audit_job.audit_list(self._session, AuditFilter.changed(filter, **changes))

    def audit_show(self, verdict: str) -> AuditRow:
        """One past verdict by its id, or by an unambiguous beginning of it."""
        return audit_job.audit_show(self._session, verdict)

    def audit_verify(self) -> ChainReport:
        """Recompute the chain of hashes over all verdicts."""
        return audit_job.audit_verify(self._session)

    def audit_replay(
        self,
        verdicts: Sequence[str] = (),
        *,
        last: int | None = None,
        from_files: bool = False,
        progress: Progress | None = None,
    ) -> ReplayReport:
        """Give past verdicts again as of their moment (labels, images, words and settings then in
        force); none named: the `last` ones, or all. Different is another label or doubt, or a
        probability that is off by more than 0.001.

        The kept vectors are asked again; with `from_files` the pictures are read and embedded anew,
        so that a file that changed or vanished, and another engine's other vector, come out too.
        """
        from mediclip_index.jobs import replay as replay_job

        return replay_job.replay(
            self._session, verdicts, last=last, from_files=from_files, progress=progress or Silent()
        )

    def audit_turned(self, images: Sequence[int] = ()) -> TurnedReport:
        """Which kept verdicts, the latest of each picture, would be of another class by today's
        labels, words and settings; with `images` (ids), those in which one of these had a vote, or
        has one now. Verdicts of what-ifs and other prompt sets are passed over."""
        return turned_job.turned(self._session, images)

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
        share near-duplicates or subjects are refused unless allowed. `prevalence` tells how
        frequent classes are in the pile that will be asked of ({"medical": 0.02}), where that is
        not as it is among the calibration images.
        """
        from mediclip_index.evaluate import tune as tune_job

        return tune_job.tune(
            self._session, TuneOptions.changed(options, **changes), progress or Silent()
        )

    def settings_list(self) -> SettingsReport:
        """All settings that the index has had, and which are in force."""
        return settings_job.settings_list(self._session)

    def use_settings(self, number: int) -> SettingsReport:
        """Put settings that `tune` kept, or those that ship, in force again by their number."""
        return settings_job.use_settings(self._session, number)

    def reset_settings(self) -> SettingsReport:
        """Put the settings that ship in force again."""
        return settings_job.reset_settings(self._session)

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
        that shares subjects with another is refused unless allowed. The report is kept under its
        number."""
        from mediclip_index.evaluate import evaluate as evaluate_job

        return evaluate_job.evaluate(
            self._session, EvaluateOptions.changed(options, **changes), progress or Silent()
        )

    def compare_evaluations(self, first: int, second: int) -> EvaluationComparison:
        """Two kept evaluations by number: what each figure gained, McNemar's test on the images
        that both judged, and which images turned right or wrong."""
        from mediclip_index.evaluate import changes as changes_job

        return changes_job.compared(self._session, first, second)

    def mistakes(
        self,
        *,
        prompts: str | None = None,
        references: bool = True,
        progress: Progress | None = None,
    ) -> MistakesReport:
        """Every labelled image judged as if it were new: what is judged wrong and why, labels that
        look wrong (most suspect first), and near-duplicates with contradicting labels."""
        from mediclip_index.evaluate import mistakes as mistakes_job

        return mistakes_job.mistakes(
            self._session,
            prompts=prompts,
            what_if=WhatIf(references=references),
            progress=progress or Silent(),
        )

    def thumbnails(self, ids: Sequence[int], side: int = 240) -> dict[int, Pixels]:
        """Indexed images by id, read from their files again (each its own page, frame or member),
        (h, w, 3) uint8, the longer side at most `side`; those whose file is gone are missing."""
        return reread_job.thumbnails(self._session, ids, side)

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
        """The blend beside other methods, all learning from the support and answering for `split`;
        `nets` trains networks on the pictures themselves."""
        from mediclip_index.evaluate import compare as compare_job

        return compare_job.compare(
            self._session,
            split=split,
            nets=nets,
            epochs=epochs,
            what_if=WhatIf(references=references),
            progress=progress or Silent(),
        )

    def weigh_prompts(
        self, prompts: str | None = None, *, progress: Progress | None = None
    ) -> WordsReport:
        """What each sentence of a set (None: the one in force) is worth: how the words' log loss on
        the tune split changes without it; and how many labelled images fall into each group."""
        from mediclip_index.evaluate import sentences as sentences_job

        return sentences_job.weigh(self._session, prompts=prompts, progress=progress or Silent())

    def label_next(self, count: int = 10) -> list[Proposal]:
        """The unlabelled images whose labels would teach most, the most telling first."""
        from mediclip_index.evaluate import propose as propose_job

        return propose_job.label_next(self._session, count)
