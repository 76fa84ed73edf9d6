"""`label split`: labelled images → splits, groups that belong together never torn apart."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from mediclip_index.catalog import labels, presence
from mediclip_index.jobs.columns import matching
from mediclip_index.jobs.summary import grouped_by
from mediclip_index.session.session import Session
from mediclip_index.show.text import counted
from mediclip_index.types import Facts, LabelReport, UsageError


def split(
    session: Session, shares: Mapping[str, float], *, by: str, where: str | None, seed: int
) -> LabelReport:
    """See Index.split."""
    if not shares:
        raise UsageError("Say which splits to make, as in --test 0.3.")
    wrong = next((name for name, share in shares.items() if not 0 < share < 1), None)
    if wrong is not None or sum(shares.values()) >= 1:
        raise UsageError(
            "The shares of the splits lie between 0 and 1, and leave some for the support; as in "
            "--test 0.3 --val 0.1."
        )
    values = grouped_by(session, by)
    chosen = None if where is None else set(matching(session, where))
    with session.catalog.reading() as read:
        current = labels.current_labels(read)
        there = presence.present_ids(read).tolist()
    labelled = [i for i in there if i in current and current[i].label is not None]
    pool = [i for i in labelled if current[i].split is None and (chosen is None or i in chosen)]
    if not pool:
        raise UsageError(
            "There is no labelled image without a split; `mediclip-index label set --split NAME` "
            "moves single images."
        )
    # Groups are those of all labelled images: one of which some part has a split, or stays out of
    # the condition, is left whole where it is.
    free = set(pool)
    subjects = {i: current[i].subject for i in labelled}
    every = _together(labelled, [(by, values), ("subject", subjects)])
    groups = [group for group in every if free.issuperset(group)]
    held = len(pool) - sum(map(len, groups))
    dealt = deal([[str(current[i].label) for i in group] for group in groups], shares, seed)
    said = {
        image: Facts(split=name)
        for group, name in zip(groups, dealt, strict=True)
        if name is not None
        for image in group
    }
    if not said:
        raise UsageError(
            f"Nothing was dealt: {counted(len(pool), 'labelled image')} without a split "
            f"{'is' if len(pool) == 1 else 'are'} of {counted(len(every), 'group')} by {by}, which "
            "stay whole; try --by folder, subject or another column."
        )
    with session.catalog.writing("label split", by=session.author) as write:
        changed = labels.say(write, said)
    made = Counter(said[i].split for i in said)
    told = ", ".join(f"{made.get(name, 0)} in {name}" for name in shares)
    left = len(pool) - len(said)
    notes = [
        f"{len(pool)} labelled images of {counted(len(groups), 'group')} by {by}: {told}, {left} "
        "stay support."
    ]
    if held:
        notes.append(
            f"{counted(held, 'image')} of groups that have a split already, or lie partly outside "
            "the condition, stay where they are."
        )
    if len(groups) < 2 * (len(shares) + 1):
        notes.append(
            f"There are only {len(groups)} groups by {by}, so the shares can't be met closely; "
            "--by subject, folder or another column may do better."
        )
    with session.catalog.reading() as read:
        return LabelReport(session.facts(read), changed, len(pool) - changed, notes=tuple(notes))


def _together(
    pool: Sequence[int], columns: Sequence[tuple[str, Mapping[int, str | None]]]
) -> list[list[int]]:
    """The images in groups that share a value of any of the columns; without any each is alone."""
    parent = {i: i for i in pool}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for _, values in columns:
        first: dict[str, int] = {}
        for image in pool:
            value = values.get(image)
            if value:
                parent[root(image)] = root(first.setdefault(value, image))
    found: dict[int, list[int]] = defaultdict(list)
    for image in pool:
        found[root(image)].append(image)
    return list(found.values())


def deal(
    groups: Sequence[Sequence[str]], shares: Mapping[str, float], seed: int
) -> list[str | None]:
    """For each group, given by its images' classes, a split or None (it stays support): the largest
    first, each to where most of it is still wanted, class by class. Equal ones are shuffled by the
    seed."""
    total = Counter(label for group in groups for label in group)
    wanted: dict[str | None, dict[str, float]] = {
        name: {label: share * count for label, count in total.items()}
        for name, share in shares.items()
    }
    rest = 1 - sum(shares.values())
    wanted[None] = {label: rest * count for label, count in total.items()}
    dealt: list[str | None] = [None] * len(groups)

    def shuffled(n: int) -> bytes:
        return hashlib.sha256(f"{seed} {n}".encode()).digest()

    for n in sorted(range(len(groups)), key=lambda n: (-len(groups[n]), shuffled(n))):
        counts = Counter(groups[n])

        def lacking(name: str | None, counts: Counter[str] = counts) -> float:
            # How much less the squares of what is lacking become by it.
            return sum(2 * wanted[name][c] * k - k * k for c, k in counts.items())

        dealt[n] = max(wanted, key=lacking)
        for label, count in counts.items():
            wanted[dealt[n]][label] -= count
    return dealt
