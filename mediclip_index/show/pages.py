"""Reports as self-contained HTML pages: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
import io
import math
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from mediclip_index.show.assessments import NAMES, worst_first
from mediclip_index.show.summaries import totals
from mediclip_index.show.text import counted, percent, safe
from mediclip_index.terms import (
    DuplicatesReport,
    EvaluationReport,
    Kin,
    Mistake,
    MistakesReport,
    Pixels,
    SummaryReport,
    SummaryRow,
)

MOST = 60  # pictures of a kind on one page
SIDE = 240  # pixels of a thumbnail


def evaluation(report: EvaluationReport) -> str:
    """The report of `evaluate` as one page."""
    out = f", {' and '.join(report.leave_out)} left out" if report.leave_out else ""
    return _page(
        "evaluation.html",
        report,
        title=f"Evaluation {report.number}",
        subtitle=f"{report.n} labelled images of {report.split}{out}; model {report.index.model}, "
        f"settings {report.settings}, {'' if report.calibrated else 'not '}calibrated.",
    )


def pictured(report: MistakesReport) -> list[int]:
    """Ids of all images that the gallery shows."""
    found = [i for m in report.mistakes[:MOST] for i in (m.id, *(k.id for k in _kin(m)))]
    found += [s.id for s in report.suspect_labels[:MOST]]
    found += [k.id for c in report.contradictions[:MOST] for k in (c.first, c.second)]
    return sorted(set(found))


def _kin(mistake: Mistake) -> tuple[Kin, ...]:
    return (*mistake.like_true, *mistake.like_predicted)


def mistakes(report: MistakesReport, pictures: Mapping[int, Pixels]) -> str:
    """The report of `mistakes` as a gallery; `pictures` by id, of those that can be had."""
    return _page(
        "mistakes.html",
        report,
        pictures=pictures,
        title="Mistakes",
        subtitle=f"{len(report.mistakes)} of {report.judged} labelled images are judged wrong, "
        f"{counted(len(report.suspect_labels), 'label looks', 'labels look')} wrong; "
        f"model {report.index.model}.",
    )


def pictured_duplicates(report: DuplicatesReport) -> list[int]:
    """Ids of all images that the gallery shows."""
    return sorted({i for group in report.groups[:MOST] for i in group.ids[:MOST]})


def duplicates(report: DuplicatesReport, pictures: Mapping[int, Pixels]) -> str:
    """The report of `duplicates` as a gallery; `pictures` by id, of those that can be had."""
    return _page(
        "duplicates.html",
        report,
        pictures=pictures,
        title="Duplicates",
        subtitle=f"{counted(len(report.groups), 'group')}: {report.across_splits} across splits, "
        f"{report.across_labels} with contradicting labels; model {report.index.model}.",
    )


def likeliest(report: SummaryReport) -> list[int]:
    """Ids of all images that the gallery of a summary shows."""
    shown = [row for _, rows in by_class(report.rows) for row in rows[:MOST]]
    return sorted({i for row in shown for i in (row.id, *row.further)})


def by_class(rows: Sequence[SummaryRow]) -> list[tuple[str, list[SummaryRow]]]:
    """The rows of a summary, class by class, in their order."""
    return [(name, list(some)) for name, some in groupby(rows, lambda row: row.verdict)]


def summary(report: SummaryReport, pictures: Mapping[int, Pixels]) -> str:
    """The report of `summary` as a gallery; `pictures` by id, of those that can be had."""
    condition = f" where {report.where}" if report.where else ""
    return _page(
        "summary.html",
        report,
        pictures=pictures,
        title=f"What is in the pile, by {report.by}{condition}",
        subtitle=totals(report) if report.rows else "",
    )


def write(file: Path, page: str) -> None:
    """Write a page whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(page, encoding="utf-8")
    os.replace(part, file)


def _page(
    template: str,
    report: Any,
    *,
    title: str,
    subtitle: str,
    pictures: Mapping[int, Pixels] | None = None,
) -> str:
    environment = Environment(
        loader=PackageLoader("mediclip_index.show"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
    )
    shots = {i: _data(pixels) for i, pixels in (pictures or {}).items()}
    environment.globals |= {
        "by_class": by_class,
        "pc": percent,
        "shots": shots,
        "radius": _radius,
        "worst_first": worst_first,
    }
    return environment.get_template(template).render(
        r=report, names=NAMES, title=title, subtitle=subtitle, most=MOST
    )


def _printable(value: Any) -> Any:
    """Strings that can't steer a terminal or a page; what a macro made is a page's own text."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _radius(count: int, of: int) -> float:
    return 3 + 14 * math.sqrt(count / max(of, 1))


def _data(pixels: Pixels) -> str:
    """A picture (h, w, 3) as a data URI."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
