"""The words that classes are known by: `index.prompts`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mediclip_index.jobs import prompt_sets as prompt_sets_job
from mediclip_index.session.session import Session
from mediclip_index.types import (
    Progress,
    PromptSetFacts,
    PromptTrial,
    Silent,
    WordsReport,
)


class Prompts:
    """The prompt sets of an index."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sets(self) -> list[PromptSetFacts]:
        """The sets that the index and the package know."""
        return prompt_sets_job.prompt_sets(self._session)

    def source(self, name: str | None = None) -> str:
        """The TOML text of a set (None: the one in force)."""
        return prompt_sets_job.prompt_source(self._session, name)

    def add(self, file: str | Path, *, use: bool = True) -> PromptSetFacts:
        """Keep a prompt set in the index and, with `use`, answer with it from now on.

        No image is embedded again: a class can be added by words alone.
        """
        return prompt_sets_job.add_prompts(self._session, Path(file), use=use)

    def try_out(
        self, sentences: Sequence[str] = (), *, prompts: str | None = None, k: int = 10
    ) -> list[PromptTrial]:
        """Which indexed images each sentence pulls (no sentences: those of the set)."""
        return prompt_sets_job.try_prompts(self._session, sentences, prompts=prompts, k=k)

    def weigh(self, prompts: str | None = None, *, progress: Progress | None = None) -> WordsReport:
        """What each sentence of a set (None: the one in force) is worth: how the words' log loss on
        the tune split changes without it; and how many labelled images fall into each group."""
        from mediclip_index.evaluate import sentences as sentences_job

        return sentences_job.weigh(self._session, prompts=prompts, progress=progress or Silent())
