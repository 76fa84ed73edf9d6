"""`prompts try`: what each sentence of a prompt set is worth, and groups that nobody falls into.

A sentence is left out and the words are asked again, on the tune split: where they become worse
without it, it helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mediclip_index import verdict
from mediclip_index.catalog import models
from mediclip_index.evaluate.leave_one_out import Floats, Labelled, labelled
from mediclip_index.session.session import Session
from mediclip_index.types import (
    GroupUse,
    Ids,
    Progress,
    PromptSet,
    SentenceWorth,
    WordsReport,
)

SPLITS = ("tune", "val", "calibrate")  # the first that holds images; else the support; never test


def weigh(session: Session, *, prompts: str | None, progress: Progress) -> WordsReport:
    """See Index.weigh_prompts."""
    with session.catalog.reading() as read:
        settings = models.settings(read)
    data = labelled(session, settings, prompts)
    split = next((name for name in SPLITS if len(data.places(name))), "support")
    places = np.flatnonzero(data.votes) if split == "support" else data.places(split)
    truth = data.truth[places]
    chosen, vectors = data.text_classifier.prompts, data.text_classifier.vectors.sentences
    pooling = settings.pooling or chosen.pooling

    def said(some: verdict.PromptEmbeddings, which: Ids) -> verdict.ZeroShotScores:
        scale = settings.scale or data.scale
        return verdict.zero_shot(data.vectors[which], some, scale, settings.biases)

    whole = said(data.text_classifier.vectors, places).classes
    right = int((whole.argmax(axis=1) == truth).sum())
    loss = verdict.log_loss(whole, truth)
    progress.start("leave each sentence out", len(vectors))
    found = []
    for place, (class_name, group, sentence, rest) in enumerate(_without_each(chosen)):
        progress.advance(1)
        if rest is None:
            continue
        fewer = verdict.prompt_embeddings(rest, np.delete(vectors, place, axis=0), pooling)
        left = said(fewer, places).classes
        found.append(
            SentenceWorth(
                prompt=sentence,
                class_name=class_name,
                group=group,
                loss_without=verdict.log_loss(left, truth) - loss,
                right_without=int((left.argmax(axis=1) == truth).sum()) - right,
            )
        )
    progress.finish()
    everyone = np.arange(len(data.ids))
    return WordsReport(
        prompts=chosen.name,
        split=split,
        n=len(places),
        accuracy=right / len(places),
        log_loss=loss,
        sentences=tuple(sorted(found, key=lambda s: s.loss_without)),
        groups=tuple(_use(data, said(data.text_classifier.vectors, everyone))),
    )


def _without_each(chosen: PromptSet) -> Iterator[tuple[str, str, str, PromptSet | None]]:
    """(class, group, sentence, the set without it) for each sentence in order; no set where it is
    its class's only one."""
    for c, one in enumerate(chosen.classes):
        for g, group in enumerate(one.groups):
            for p, sentence in enumerate(group.prompts):
                kept = group.prompts[:p] + group.prompts[p + 1 :]
                middle = (replace(group, prompts=kept),) if kept else ()
                groups = one.groups[:g] + middle + one.groups[g + 1 :]
                rest = None
                if groups:
                    classes = list(chosen.classes)
                    classes[c] = replace(one, groups=groups)
                    rest = replace(chosen, classes=tuple(classes))
                yield one.name, group.name, sentence, rest


def _use(data: Labelled, said: verdict.ZeroShotScores) -> list[GroupUse]:
    vectors = data.text_classifier.vectors
    best = group_of(said, said.classes, vectors)
    own = data.truth == vectors.group_class[best]
    rows = [
        GroupUse(
            class_name=vectors.classes[vectors.group_class[g]],
            group=name,
            images=int((best == g).sum()),
            of_class=int(((best == g) & own).sum()),
        )
        for g, name in enumerate(vectors.groups)
    ]
    return sorted(rows, key=lambda row: row.images)


def group_of(said: verdict.ZeroShotScores, final: Floats, vectors: verdict.PromptEmbeddings) -> Ids:
    """The place (n,) of the best group inside the winning class of `final` (n, c)."""
    inside = np.where(vectors.group_class[None] == final.argmax(axis=1)[:, None], said.groups, -1.0)
    return np.asarray(inside.argmax(axis=1))
