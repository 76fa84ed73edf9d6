"""The reason of a verdict in one sentence."""

from __future__ import annotations

from collections import Counter

from mediclip_index.types import HeaderVote, Neighbour, PromptMatch, ReferenceVote
from mediclip_index.verdict.reasons import Reasons

_MOST_OF_IT = 1 / 3  # share of the votes from which one neighbour against a verdict is named


def why(
    label: str,
    words: float,
    loudest: PromptMatch,
    neighbours: list[Neighbour],
    reasons: Reasons,
    otherwise: str | None,
    unknown: bool = False,
    references: list[ReferenceVote] | None = None,
    header: HeaderVote | None = None,
    rival: tuple[str, float] | None = None,
) -> str:
    """One sentence: what the words say, what neighbours and the model's own references say, and
    what would turn it.

    `words` is the zero-shot probability of `label`; only those with a weight had a vote; the places
    of `reasons` are those of `neighbours`. `unknown`: it lies far from all that is labelled.
    `rival`: the class that the words prefer and its probability, where that is another one.
    """
    voters = [n for n in neighbours if n.weight > 0]
    own = [r for r in references or [] if r.weight > 0]
    outvoted = rival is not None and bool(voters or own or header)
    parts = []
    if voters:
        share = sum(n.weight for n in voters if n.label == label)
        agree = sum(n.label == label for n in voters)
        parts.append(
            f"{agree} of {len(voters)} labelled neighbours are {label} "
            f"({_percent(share)} of the votes){_against(label, voters)}"
        )
    if own:
        parts.append(own_references(label, own))
    elif not voters:
        parts.append("no labelled neighbour could vote")
    if header is not None:
        parts.append(f"its DICOM header says {header.modality}, which is {header.label}")
    if rival is not None and outvoted:
        said = (
            f"words alone say {rival[0]} {_percent(rival[1])} ({label} {_percent(words)}, closest: "
            f"“{loudest.prompt}”), but {parts[0]}"
        )
        parts = [said, *parts[1:], "that outweighs the words"]
    else:
        said = f"words give {label} {_percent(words)} (closest: “{loudest.prompt}”)"
        parts = [said, *parts]
    if reasons.without and otherwise is not None:
        parts.append(f"without {_ids(reasons, neighbours)} it would be {otherwise}")
    if unknown:
        parts.append("it is unlike everything labelled so far")
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]


def _against(label: str, voters: list[Neighbour]) -> str:
    """The labelled neighbour of another class with the most votes, where these are many: a count
    of those who agree does not show how much one against them weighs."""
    strongest = max(voters, key=lambda n: n.weight)
    if strongest.label == label or strongest.weight < _MOST_OF_IT:
        return ""
    return (
        f"; #{strongest.id}, labelled {strongest.label}, has {_percent(strongest.weight)} of the "
        "votes"
    )


def own_references(label: str, voters: list[ReferenceVote]) -> str:
    """What the references that voted say, and the kind of most of those that agree."""
    agree = Counter(r.kind for r in voters if r.label == label)
    kind = f" ({agree.most_common(1)[0][0]})" if agree else ""
    return f"{agree.total()} of {len(voters)} of the model's own references are {label}{kind}"


def _percent(share: float) -> str:
    # Never "100 %" for what is only nearly certain.
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def _ids(reasons: Reasons, neighbours: list[Neighbour]) -> str:
    names = [f"#{neighbours[place].id}" for place in reasons.without if place < len(neighbours)]
    if len(names) < len(reasons.without) or len(names) > 3:
        return f"the {len(reasons.without)} heaviest of them"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
