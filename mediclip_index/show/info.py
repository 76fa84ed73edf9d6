"""What an index holds, as text."""

from __future__ import annotations

from typing import Any

from mediclip_index.show.tables import NO_DEVICE, Style
from mediclip_index.show.text import counted, safe, size, wrapped
from mediclip_index.types import InfoReport


def info(report: InfoReport, max_width: int | None, style: Style) -> str:
    def told(counts: Any) -> str:
        return ", ".join(f"{n} {name}" for name, n in counts.items()) or "none"

    settings = report.settings
    pairs = [
        (
            "images",
            f"{report.index.images} in {counted(report.files - report.without, 'file')}"
            + (f" ({report.without} more refused)" if report.without else "")
            + f", {report.gone} gone"
            + (f", {report.removed} removed" if report.removed else ""),
        ),
        ("labels", told(report.labels)),
        ("splits", told(report.splits)),
        ("refused", told(report.refusals)),
        (
            "model",
            f"{report.index.model}, {report.dim} dimensions, "
            f"fingerprint {report.index.fingerprint[:12]}",
        ),
        ("prompts", f"{report.prompts}: {', '.join(report.classes)}"),
        (
            "settings",
            f"number {settings.number}: alpha {settings.alpha:g}, k {settings.k}, "
            f"beta {settings.beta:.4g} and near {settings.near:.3g} {settings.unit}, "
            f"{report.calibration or 'no'} calibration",
        ),
        ("references", f"{report.references} of the model's own vote"),
        ("neighbours", f"generation {report.index.generation}: {report.neighbours}"),
        (
            "verdicts",
            f"{report.verdicts} kept, {report.spooled} waiting, "
            f"chain head {report.index.chain_head[:12]}",
        ),
        ("sources", "\n             ".join(safe(s) for s in report.sources) or "none"),
        ("columns", ", ".join(safe(c) for c in report.columns)),
        ("catalog", f"{size(report.catalog_bytes)}, made {report.created}"),
        ("last build", report.last_build or "never"),
    ]
    lines = [style.bold(report.index.path)]
    lines += [wrapped(f"  {name:<10} {value}", max_width, 13) for name, value in pairs]
    return "\n".join([*lines, "", style.dim(NO_DEVICE)])
