"""Kinds of picture (the groups of a prompt set: chest_xray, ultrasound, …) as people name them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from mediclip_index import prompts, reading, verdict
from mediclip_index.catalog import ReadTransaction, models
from mediclip_index.session.session import Session
from mediclip_index.session.text_classifier import named_prompts
from mediclip_index.types import PromptSet, UsageError

_NAMED = 5  # near ones that an error names


def prompt_set(session: Session, name: str | None = None) -> PromptSet:
    """The prompt set in force, or one by name; UsageError where there is none so named."""
    with session.catalog.reading() as read:
        return prompt_set_in(read, name)


def prompt_set_in(read: ReadTransaction, name: str | None = None) -> PromptSet:
    """`prompt_set`, from a transaction that is open already."""
    stored = models.prompts(read, name)
    if stored is not None:
        return prompts.parse(stored.source, f"prompt set {stored.name}")
    return named_prompts(name or "")


def classes_by_kind(chosen: PromptSet) -> dict[str, tuple[str, ...]]:
    """Every kind, and the classes that it is of."""
    found: dict[str, tuple[str, ...]] = {}
    for one in chosen.classes:
        for group in one.groups:
            found[group.name] = (*found.get(group.name, ()), one.name)
    return found


def kinds(session: Session) -> dict[str, str]:
    """See Index.kinds."""
    return {kind: classes[0] for kind, classes in classes_by_kind(prompt_set(session)).items()}


def known_kinds(
    session: Session, said: Sequence[str], *, prompts: str | None = None
) -> tuple[str, ...]:
    """Kinds by the names that a set (None: the one in force) has for them: `Chest X-ray` is
    `chest_xray`. The name of a family stands for all of its kinds, `=ultrasound` for that kind
    alone. UsageError, with near ones, where one is unknown."""
    if not said:
        return ()
    chosen = prompt_set(session, prompts)
    return tuple(dict.fromkeys(kind for one in said for kind in _meant(chosen, one)))


def _meant(chosen: PromptSet, said: str) -> tuple[str, ...]:
    if said.startswith(verdict.EXACTLY):
        return (named_kind(chosen, said.removeprefix(verdict.EXACTLY)),)
    families = {reading.plain(name): kinds for name, kinds in verdict.FAMILIES.items()}
    there = classes_by_kind(chosen)
    family = [kind for kind in families.get(reading.plain(said), ()) if kind in there]
    return tuple(family) or (named_kind(chosen, said),)


def named_kind(chosen: PromptSet, said: str) -> str:
    """One kind by the set's own name for it; UsageError, with near ones, where it is unknown."""
    names = {reading.plain(name): name for name in classes_by_kind(chosen)}
    asked = reading.plain(said)
    if asked in names:
        return names[asked]
    near = [name for plain, name in names.items() if asked and asked in plain]
    alike = difflib.get_close_matches(asked, names, n=_NAMED, cutoff=0.5)
    near = list(dict.fromkeys([*near, *(names[one] for one in alike)]))[:_NAMED]
    nearest = f"near are {', '.join(near)}; " if near else ""
    raise UsageError(
        f"There is no kind {said!r} in the prompt set {chosen.name}: {nearest}"
        "`mediclip-index prompts show` lists all."
    )
