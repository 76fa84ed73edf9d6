"""Reports as self-contained HTML pages: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
import io
import math
import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image, ImageOps

from mediclip_index.show.assessments import NAMES
from mediclip_index.show.text import percent, safe
from mediclip_index.terms import EvaluationReport, MistakesReport

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


def mistakes(report: MistakesReport) -> str:
    """The report of `mistakes` as a gallery."""
    return _page(
        "mistakes.html",
        report,
        title="Mistakes",
        subtitle=f"{len(report.mistakes)} of {report.judged} labelled images are judged wrong, "
        f"{len(report.suspect_labels)} labels look wrong.",
    )


def write(file: Path, page: str) -> None:
    """Write a page whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(page, encoding="utf-8")
    os.replace(part, file)


def _page(template: str, report: Any, *, title: str, subtitle: str) -> str:
    environment = Environment(
        loader=PackageLoader("mediclip_index.show"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
    )
    environment.globals |= {"pc": percent, "thumb": _thumbnail, "radius": _radius}
    return environment.get_template(template).render(
        r=report, names=NAMES, title=title, subtitle=subtitle, most=MOST
    )


def _printable(value: Any) -> Any:
    """Strings that can't steer a terminal or a page; what a macro made is a page's own text."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _radius(count: int, of: int) -> float:
    return 3 + 14 * math.sqrt(count / max(of, 1))


def _thumbnail(path: str) -> str:
    """A picture as a data URI; empty where Pillow can't show it (DICOM, PDF, a file long gone)."""
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (SIDE, SIDE))
            picture = ImageOps.exif_transpose(opened).convert("RGB")
            picture.thumbnail((SIDE, SIDE))
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=80)
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
