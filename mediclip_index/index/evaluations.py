"""What `evaluate` has found so far: `index.evaluations`."""

from __future__ import annotations

from typing import Any

from mediclip_index.evaluate import changes as changes_job
from mediclip_index.session.session import Session
from mediclip_index.types import EvaluationComparison, KeptEvaluation


class Evaluations:
    """The kept evaluations of an index, by number."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> tuple[KeptEvaluation, ...]:
        """In short, the latest first."""
        return changes_job.kept(self._session)

    def get(self, number: int) -> dict[str, Any]:
        """An EvaluationReport as JSON has it; UsageError where there is none of this number."""
        return changes_job.report(self._session, number)

    def compare(self, first: int, second: int) -> EvaluationComparison:
        """Two of them: what each figure gained, McNemar's test on the images that both judged, and
        which images turned right or wrong."""
        return changes_job.compared(self._session, first, second)

    def wrong(self, number: int) -> list[int]:
        """The images that the blend judged wrong then."""
        return changes_job.wrong(self._session, number)
