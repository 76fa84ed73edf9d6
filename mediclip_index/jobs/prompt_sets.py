"""Prompt sets of an index: which there are, a new one, and what each sentence pulls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mediclip_index import prompts
from mediclip_index.catalog import images, models
from mediclip_index.jobs.search import hits
from mediclip_index.jobs.unlearned import note_on_words
from mediclip_index.session.session import Session
from mediclip_index.session.text_classifier import load_text_classifier, named_prompts
from mediclip_index.types import PromptSet, PromptSetFacts, PromptTrial, UsageError


def prompt_sets(session: Session) -> list[PromptSetFacts]:
    """See Index.prompt_sets."""
    with session.catalog.reading() as read:
        in_force = models.chosen(read, "prompts")
        stored = models.all_prompts(read)
        current = models.prompts(read)
    found = {k.name: (prompts.parse(k.source, k.name), k.number == in_force) for k in stored}
    if current is not None:
        found[current.name] = (prompts.parse(current.source, current.name), True)
    for name in prompts.bundled_names():
        found.setdefault(name, (prompts.load_bundled(name), False))
    return [_facts(chosen, default) for _, (chosen, default) in sorted(found.items())]


def _facts(chosen: PromptSet, default: bool, notes: tuple[str, ...] = ()) -> PromptSetFacts:
    return PromptSetFacts(
        name=chosen.name,
        classes=chosen.class_names,
        groups=sum(len(c.groups) for c in chosen.classes),
        sentences=len(chosen.sentences),
        pooling=chosen.pooling,
        default=default,
        bundled=chosen.name in prompts.bundled_names(),
        description=chosen.description,
        notes=notes,
    )


def prompt_source(session: Session, name: str | None) -> str:
    """See Index.prompt_source."""
    with session.catalog.reading() as read:
        stored = models.prompts(read, name)
    if stored is not None:
        return stored.source
    assert name is not None
    return named_prompts(name).source


def add_prompts(session: Session, file: Path, *, use: bool) -> PromptSetFacts:
    """See Index.add_prompts."""
    chosen = (
        prompts.load_bundled(str(file))
        if str(file) in prompts.bundled_names()
        else (prompts.load_file(file))
    )
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        have = models.sentence_vectors(read, stored, chosen.sentences)
    lacking = [s for s in dict.fromkeys(chosen.sentences) if s not in have]
    fresh = session.encoder(stored).encode_texts(lacking) if lacking else None
    with session.catalog.writing("prompts add", by=session.author) as write:
        number = models.add_prompts(write, chosen)
        if fresh is not None:
            models.keep_sentences(write, stored, lacking, fresh)
        if use:
            models.choose(write, "prompts", number)
    # A bundled set is worded for every model, in terms that a small one needn't know.
    ours = chosen.name in prompts.bundled_names()
    return _facts(chosen, use, () if ours else note_on_words(stored.name, chosen.sentences))


def try_prompts(
    session: Session, sentences: Sequence[str], *, prompts: str | None, k: int
) -> list[PromptTrial]:
    """See Index.try_prompts."""
    if not 1 <= k <= 1000:
        raise UsageError(f"k is {k}; give a number of images from 1 to 1000.")
    with session.catalog.reading() as read:
        stored = models.encoder(read)
        settings = models.settings(read)
    if sentences:
        asked = [(s, "", "") for s in sentences]
        vectors = session.encoder(stored).encode_texts(list(sentences))
    else:
        text_classifier = load_text_classifier(session, prompts, settings)
        asked = [
            (s, c.name, g.name)
            for c in text_classifier.prompts.classes
            for g in c.groups
            for s in g.prompts
        ]
        vectors = text_classifier.vectors.sentences
    with session.catalog.reading() as read:
        vector_index, _ = session.vector_index(read, stored)
        ids, similarities = vector_index.search(
            np.ascontiguousarray(vectors), k, None, partial(images.vectors, read, stored)
        )
        trials = []
        for (sentence, class_name, group), row, near in zip(asked, ids, similarities, strict=True):
            pulled = hits(
                read, [int(i) for i in row if i >= 0], [float(s) for s in near if s > -np.inf]
            )
            labels = Counter(hit.label or "unlabelled" for hit in pulled)
            unlearned = note_on_words(stored.name, [sentence] if sentences else ())
            trials.append(PromptTrial(sentence, class_name, group, pulled, dict(labels), unlearned))
    return trials
