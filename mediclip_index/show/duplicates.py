"""Groups of copies as text, and as rows for other programs."""

from __future__ import annotations

from typing import Any

from mediclip_index.show.tables import Style
from mediclip_index.show.text import counted, percent, safe, wrapped
from mediclip_index.types import DuplicatesReport, NearDuplicates


def duplicates(report: DuplicatesReport, max_width: int | None, style: Style) -> str:
    """Every group with all of its files, the one to keep first."""
    if not report.groups:
        return "No duplicates."
    head = (
        f"{counted(len(report.groups), 'group')} of duplicates: "
        f"{report.across_splits} across splits, "
        f"{report.across_labels} with contradicting labels"
    )
    parts = [style.bold(head), "\n".join(_group(g, max_width, style) for g in report.groups)]
    for split, leak in report.leaks.items():
        told = (
            f"{safe(split)}: {leak['leaked']:.0f} of {counted(round(leak['images']), 'image')} "
            "with a twin that votes; the neighbours are right for "
            f"{percent(leak['accuracy_with'])} with them, for "
            f"{percent(leak['accuracy_without'])} without."
        )
        parts.append(wrapped(told, max_width, 2))
    return "\n\n".join(parts)


def _group(group: NearDuplicates, max_width: int | None, style: Style) -> str:
    told = [
        f"{group.kind}, cosine {group.similarity:.3f}",
        *(
            f"{name} {', '.join(sorted(set(values) - {''}))}"
            for name, values in (("splits", group.splits), ("labels", group.labels))
            if set(values) - {""}
        ),
    ]
    lines = [style.dim(wrapped(safe("; ".join(told)), max_width, 2))]
    if group.kind == "exact":
        lines += [wrapped(f"  #{group.ids[0]}  {safe(path)}", max_width, 4) for path in group.paths]
        return "\n".join(lines)
    for place, (image, path) in enumerate(zip(group.ids, group.paths, strict=False)):
        size = "{} x {}".format(*group.sizes[place]) if place < len(group.sizes) else ""
        best = ", the best" if image == group.best else ""
        lines.append(wrapped(f"  #{image}  {safe(path)}  {size}{best}".rstrip(), max_width, 4))
    return "\n".join(lines)


def left_over(report: DuplicatesReport) -> list[Any]:
    """What `--keep best` leaves out, file by file: of the groups of near copies, all but the best.
    An exact copy is the same image under another name: nothing of it can be left out."""
    return [
        {"id": image, "path": path, "kept": group.best}
        for group in report.groups
        if group.kind == "near"
        for image, path in zip(group.ids, group.paths, strict=True)
        if image != group.best
    ]


def files(report: DuplicatesReport) -> list[Any]:
    """Every file of every group, a row each, with the number of its group."""
    return [
        {
            "group": number,
            "kind": group.kind,
            "similarity": group.similarity,
            "ids": list(group.ids),
            "paths": list(group.paths),
            "id": group.ids[min(place, len(group.ids) - 1)],
            "path": path,
            "best": group.kind == "near"
            and group.ids[min(place, len(group.ids) - 1)] == group.best,
        }
        for number, group in enumerate(report.groups, 1)
        for place, path in enumerate(group.paths)
    ]
