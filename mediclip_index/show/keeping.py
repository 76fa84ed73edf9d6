"""Verify, repair, remove, export and backup as text."""

from __future__ import annotations

from collections.abc import Sequence

from mediclip_index.show.tables import Style
from mediclip_index.show.text import counted, safe, size, table, wrapped
from mediclip_index.types import (
    BackupReport,
    ExportReport,
    Finding,
    RemovedImage,
    RemoveReport,
    RepairReport,
    VerifyReport,
)

_SHOWN = 10


def verify(report: VerifyReport, max_width: int | None, style: Style) -> str:
    looked = ", ".join(
        # One of them loses its s: the names are those of the report, in the plural.
        f"{n} {what.replace('_', ' ').removesuffix('s' if n == 1 else '')}"
        for what, n in report.checked.items()
    )
    if report.ok:
        return f"{safe(report.path)} is whole ({looked})."
    head = style.bold(f"{counted(len(report.findings), 'finding')} in {safe(report.path)}")
    told = f"\n\n({looked} were looked at.)" if looked else ""
    return head + "\n\n" + _findings(report.findings, max_width, style) + told


def repair(report: RepairReport, max_width: int | None, style: Style) -> str:
    done = [wrapped(f"  {m.kind:<15} {safe(m.what)}", max_width, 18) for m in report.mended]
    parts = ["Mended:\n" + "\n".join(done) if done else "There was nothing to repair."]
    if report.findings:
        parts.append("What is left:\n\n" + _findings(report.findings, max_width, style))
    elif done:
        parts.append(f"{safe(report.path)} is whole.")
    return "\n\n".join(parts)


def _findings(findings: Sequence[Finding], max_width: int | None, style: Style) -> str:
    lines = []
    for f in findings:
        # Broken where it is wide first, coloured then: colours take no columns.
        what = wrapped(f"  {f.kind:<15} {safe(f.what)}", max_width, 18)
        mend = wrapped(f"{'':<17} {safe(f.mend)}", max_width, 18)
        lines += [what.replace(f.kind, style.warn(f.kind), 1), style.dim(mend)]
    return "\n".join(lines)


def remove(report: RemoveReport, max_width: int | None, style: Style) -> str:
    would = "would be " if report.dry_run else ""
    head = f"{counted(len(report.images), 'image')} {would}{report.what}"
    if report.unchanged:
        head += f", {report.unchanged} as they were"
    if report.what == "purged":
        head += f", and the content of {counted(report.verdicts, 'verdict')} with "
        head += "it" if len(report.images) == 1 else "them"
    parts = [head + "."]
    if report.images:
        rows = [(f"#{i.id}", i.path) for i in report.images[:_SHOWN]]
        parts.append(table(("id", "path"), rows, max_width=max_width, right="r"))
    if len(report.images) > _SHOWN:
        parts.append(f"and {len(report.images) - _SHOWN} more")
    return "\n".join(parts)


def removed(rows: Sequence[RemovedImage], max_width: int | None, style: Style) -> str:
    if not rows:
        return "No image is removed."
    shown = [(f"#{r.id}", r.time, style.who(r.by), r.path) for r in rows]
    return table(("id", "removed", "by", "path"), shown, max_width=max_width, right="r")


def export(report: ExportReport, max_width: int | None, style: Style) -> str:
    tables = ", ".join(f"{safe(name)} {count}" for name, count in report.rows.items() if count)
    library = f"{counted(report.images, 'image')}, {report.labelled} labelled"
    return "\n".join(
        [
            f"library.csv, library.parquet: {library}",
            wrapped(f"tables, by rows: {tables}", max_width, 2),
            f"{safe(report.path)}: {size(report.bytes)}. README.md there says what is what.",
        ]
    )


def backup(report: BackupReport, max_width: int | None, style: Style) -> str:
    return "\n".join(
        [
            f"{counted(report.images, 'image')} and {counted(report.verdicts, 'verdict')} of "
            f"{safe(report.path)}",
            f"  file   {safe(report.file)}, {size(report.bytes)}",
            f"  head   {report.chain_head}",
            f"  held   writers waited for {report.held_seconds:.2f} s",
        ]
    )
