"""Reports as self-contained HTML pages: nothing that they show or run is from elsewhere.

A gallery has one script, by which pictures are marked; the page's policy lets no other run.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from mediclip_index.show.assessments import NAMES, sureness, worst_first
from mediclip_index.show.environment import environment
from mediclip_index.show.mistakes import given_by
from mediclip_index.show.summaries import totals
from mediclip_index.show.tables import Style
from mediclip_index.show.text import counted, percent
from mediclip_index.types import (
    DuplicatesReport,
    EvaluationReport,
    Mistake,
    MistakesReport,
    Pixels,
    Proposal,
    QueryReport,
    SearchHit,
    SearchReport,
    SimilarImage,
    SummaryReport,
    SummaryRow,
)

MOST = 60  # pictures of a kind on one page
MOST_PICTURES = 600  # on a page of nothing else
SIDE = 240  # pixels of a thumbnail
SCRIPT = Path(__file__).parent / "templates" / "gallery.js"


@dataclass(frozen=True)
class Marks:
    """What pictures of a gallery may be marked as: classes, and by kind its class. Without them
    they are only shown."""

    classes: Sequence[str] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)


NO_MARKS = Marks()


@dataclass(frozen=True)
class Card:
    """A picture of a gallery and what is told beneath it. `key`: that of its thumbnail; `image`:
    its id, None where the index does not hold it; `label`: what people said; `kind`: that
    which counts."""

    key: int | str
    image: int | None
    path: str
    page: int | None
    item: int | None
    told: str
    label: str | None = None
    kind: str = ""
    why: str = ""


def evaluation(report: EvaluationReport) -> str:
    """The report of `evaluate` as one page."""
    out = f", {' and '.join(report.leave_out)} left out" if report.leave_out else ""
    return _page(
        "evaluation.html",
        report,
        title=f"Evaluation {report.number}",
        subtitle=f"{counted(report.n, 'labelled image')} of {report.split}{out}; model "
        f"{report.index.model}, settings {report.settings}, "
        f"{'' if report.calibrated else 'not '}calibrated.",
    )


def pictured(report: MistakesReport) -> list[int]:
    """Ids of all images that the gallery shows."""
    found = [i for m in report.mistakes[:MOST] for i in (m.id, *(k.id for k in _kin(m)))]
    found += [s.id for s in report.only_suspect[:MOST]]
    found += [k.id for c in report.contradictions[:MOST] for k in (c.first, c.second)]
    return sorted(set(found))


def _kin(mistake: Mistake) -> tuple[SimilarImage, ...]:
    return (*mistake.like_true, *mistake.like_predicted)


def mistakes(
    report: MistakesReport,
    pictures: Mapping[int, Pixels],
    marks: Marks = NO_MARKS,
) -> str:
    """The report of `mistakes` as a gallery; `pictures` by id, of those that can be had."""
    return _page(
        "mistakes.html",
        report,
        pictures=pictures,
        marks=marks,
        title="Mistakes",
        subtitle=f"{len(report.mistakes)} of {counted(report.judged, 'labelled image')} judged "
        f"wrong, {counted(len(report.suspect_labels), 'label looks', 'labels look')} wrong; "
        f"model {report.index.model}.",
    )


def pictured_duplicates(report: DuplicatesReport) -> list[int]:
    """Ids of all images that the gallery shows."""
    return sorted({i for group in report.groups[:MOST] for i in group.ids[:MOST]})


def duplicates(
    report: DuplicatesReport,
    pictures: Mapping[int, Pixels],
    marks: Marks = NO_MARKS,
) -> str:
    """The report of `duplicates` as a gallery; `pictures` by id, of those that can be had."""
    return _page(
        "duplicates.html",
        report,
        pictures=pictures,
        marks=marks,
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


def summary(
    report: SummaryReport,
    pictures: Mapping[int, Pixels],
    marks: Marks = NO_MARKS,
) -> str:
    """The report of `summary` as a gallery; `pictures` by id, of those that can be had."""
    condition = f" where {report.where}" if report.where else ""
    return _page(
        "summary.html",
        report,
        pictures=pictures,
        marks=marks,
        title=f"What is in the pile, by {report.by}{condition}",
        subtitle=totals(report) if report.rows else "",
    )


def query(
    report: QueryReport,
    pictures: Mapping[Any, Pixels | str],
    marks: Marks = NO_MARKS,
) -> str:
    """Verdicts as a gallery; `pictures` by image, or by verdict where the index holds none."""
    cards = [
        Card(
            v.id if v.image is None or v.id in pictures else v.image,
            v.image, v.path, v.page, v.item,
            f"{v.label} {percent(v.probability)}" + (", unsure" if v.unsure else ""),
            v.hand.label if v.hand else None, kind=v.kind or "",
        )
        for v in report.verdicts
    ]  # fmt: skip
    subtitle = f"{counted(len(cards), 'picture')}; model {report.index.model}."
    return _gallery(report, "Verdicts", subtitle, cards, pictures, marks)


def search(
    report: SearchReport,
    pictures: Mapping[int, Pixels],
    marks: Marks = NO_MARKS,
) -> str:
    """What a search found, as a gallery."""
    cards = [
        Card(
            h.id, h.id, h.path, h.metadata.get("page"), h.metadata.get("item"),
            f"cosine {h.similarity:.3f}" + _perhaps(h), h.label, kind=h.kind or "",
        )
        for h in report.results
    ]  # fmt: skip
    return _gallery(report, "Found", report.query, cards, pictures, marks)


def _perhaps(hit: SearchHit) -> str:
    """What the machine says of a picture that no person has labelled."""
    if not hit.guess or hit.labelled_by is not None:
        return ""
    share = "" if hit.probability is None else f" {percent(hit.probability)}"
    return f", perhaps {hit.guess}{share}" + (", unsure" if hit.unsure else "")


def proposals(
    rows: Sequence[Proposal],
    pictures: Mapping[int, Pixels],
    marks: Marks = NO_MARKS,
) -> str:
    """The images to label next, as a gallery."""
    cards = [
        Card(
            p.id, p.id, p.path, p.page, p.item,
            f"perhaps {p.label} {percent(p.probability)}", kind=p.kind, why=p.why,
        )
        for p in rows
    ]  # fmt: skip
    told = f"{counted(len(cards), 'image')} whose labels would teach most."
    return _gallery(rows, "Label next", told, cards, pictures, marks)


def _gallery(
    report: Any,
    title: str,
    subtitle: str,
    cards: Sequence[Card],
    pictures: Mapping[Any, Pixels | str],
    marks: Marks,
) -> str:
    return _page(
        "pictures.html", report, title=title, subtitle=subtitle, pictures=pictures,
        marks=marks, shown=cards, most=MOST_PICTURES,
    )  # fmt: skip


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
    pictures: Mapping[Any, Pixels | str] | None = None,
    marks: Marks = NO_MARKS,
    shown: Sequence[Card] = (),
    most: int = MOST,
) -> str:
    templates = environment("mediclip_index.show")
    shots = {
        i: pixels if isinstance(pixels, str) else thumbnail(pixels)
        for i, pixels in (pictures or {}).items()
    }
    script = SCRIPT.read_text("utf-8") if marks.classes else ""
    templates.globals |= {
        "as_json": _json,
        "by_class": by_class,
        "counted": counted,
        "given_by": partial(given_by, style=Style(color=False)),
        "pc": percent,
        "picture": _picture,
        "shots": shots,
        "shown_ids": _shown_ids,
        "radius": _radius,
        "sureness": sureness,
        "worst_first": worst_first,
    }
    return templates.get_template(template).render(
        r=report, names=NAMES, title=title, subtitle=subtitle, most=most, classes=marks.classes,
        kinds=marks.kinds, shown=shown, script=Markup(script), policy=_policy(script),
    )  # fmt: skip


def _policy(script: str) -> str:
    """What a browser may do with a page: show its own pictures, and run its own script alone."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    runs = f" script-src 'sha256-{digest}';" if script else ""
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline';{runs} base-uri 'none'; "
        "form-action 'none'"
    )


def _picture(image: int | None, path: str, page: int | None, item: int | None) -> str:
    """What the CSV of marks says of a picture; its path is found from any folder."""
    if path and path != "-" and not path.startswith("hashed:"):
        path = os.path.abspath(path)
    return _json({"image": image, "path": path, "page": page, "item": item})


def _json(value: Any) -> str:
    return json.dumps(
        dict(value) if isinstance(value, Mapping) else value
    )  # ASCII: names come back as they are


def _shown_ids(rows: Sequence[SummaryRow]) -> list[int]:
    return list(dict.fromkeys(i for row in rows for i in (row.id, *row.further)))


def _radius(count: int, of: int) -> float:
    return 3 + 14 * math.sqrt(count / max(of, 1))


def thumbnail(pixels: Pixels) -> str:
    """A picture (h, w, 3) as a data URI."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
