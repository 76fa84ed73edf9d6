"""The judge's reports as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mediclip_index.show.tables import Style, part_of
from mediclip_index.show.text import counted, percent, safe, table, wrapped
from mediclip_index.types import (
    CompareReport,
    EvaluationComparison,
    EvaluationReport,
    MethodFigures,
    PartFigures,
    Proportion,
    Proposal,
    ReplayReport,
    Settings,
    SettingsReport,
    SureFigures,
    TuneReport,
    WordsReport,
)

NAMES = {"zero_shot": "words", "neighbours": "neighbours", "blend": "blend"}
SHOWN = 20  # rows of a long list


def settings(report: SettingsReport, max_width: int | None, style: Style) -> str:
    rows = [
        [
            str(one.settings.number),
            "in force" if one.in_force else "",
            "those that ship"
            if replace(one.settings, number=0) == Settings()
            else f"tuned on {counted(one.settings.tuned.tuned_on, 'image')}"
            if one.settings.tuned
            else "of an earlier version",
            f"{one.settings.alpha:.3g}",
            str(one.settings.k),
            f"{one.settings.beta:.4g}",
            f"{one.settings.near:.3g}",
            "yes" if one.settings.calibration else "",
            style.who(one.by),
            one.time,
        ]
        for one in report.kept
    ]
    heads = ["number", "", "", "alpha", "k", "beta", "near", "calibrated", "by", "time"]
    return table(heads, rows, max_width=max_width, right="rllrrrr")


def tune(report: TuneReport, max_width: int | None, style: Style) -> str:
    s = report.settings
    if not report.calibrated_on:
        return f"Nothing was chosen: settings number {s.number} stay in force."
    if not report.tuned_on:
        return (
            f"Only the slope of the calibration was fitted, on "
            f"{counted(report.calibrated_on, 'labelled image')}: their log loss is "
            f"{report.before:.4f} before, {report.after:.4f} now; settings number {s.number}."
        )
    kept = f"settings number {s.number}, in force" if report.kept else "not kept (dry run)"
    pairs = [
        (
            "chosen",
            f"alpha {s.alpha:g}, k {s.k}, beta {s.beta:.4g} and near {s.near:.3g} {s.unit}, "
            f"{'with' if s.references else 'without'} references",
        ),
        (
            "words",
            f"scale {'as the model has it' if s.scale is None else f'{s.scale:g}'}, "
            f"pooling {s.pooling or 'as the set has it'}"
            + "".join(f", {safe(name)} x {factor:g}" for name, factor in s.biases.items()),
        ),
        (
            report.objective,
            f"{report.before:.4f} before, {report.after:.4f} now, with the slope at its best, on "
            f"{counted(report.tuned_on, 'image')}",
        ),
    ]
    pairs.append(("unsure", f"below {s.threshold:.2f} where the calibration no longer holds"))
    if s.calibration is not None:
        c = s.calibration
        strange = (
            ""
            if c.strange is None
            else (f", unlike anything known from an outlier score of {c.strange:.2f}")
        )
        pairs.append(
            (
                "calibrated",
                f"on {counted(report.calibrated_on, 'image')}: slope {c.slope:.3g}, coverage "
                f"{c.coverage:g}{strange}",
            )
        )
        if c.factors:
            leaning = ", ".join(
                f"{safe(name)} x {factor:.4g}" for name, factor in c.factors.items()
            )
            pairs.append(("leaning", leaning))
    for name, digest, n in (
        ("tune", report.tune_sha256, report.tuned_on),
        ("calibrate", report.calibrate_sha256, report.calibrated_on),
    ):
        pairs.append((name, f"{counted(n, 'image')}, sha256 {digest[:12]}"))
    lines = [
        style.bold(kept[0].upper() + kept[1:]),
        *(wrapped(f"  {n:<10} {v}", max_width, 13) for n, v in pairs),
    ]
    return "\n".join(lines)


def evaluation(report: EvaluationReport, max_width: int | None, style: Style) -> str:
    out = f", {' and '.join(report.leave_out)} left out" if report.leave_out else ""
    parts = [style.bold(f"{counted(report.n, 'labelled image')} of {safe(report.split)}{out}")]
    rows = [
        (NAMES[name], _interval(m.accuracy), f"{m.macro.f1:.4f}", f"{m.ece:.4f}")
        for name, m in report.methods.items()
    ]
    parts.append(table(("method", "accuracy (95 %)", "macro F1", "ECE"), rows, max_width=max_width))
    parts.append(_classes(report.methods, max_width))
    parts.append(_confusion(report.methods["blend"], max_width))
    tests = [
        (
            key.replace("zero_shot", "words"),
            pair.only_first,
            pair.only_second,
            f"{pair.p:.3g}",
        )
        for key, pair in report.mcnemar.items()
    ]
    parts.append(
        table(
            ("McNemar", "only first right", "only second", "p"),
            tests,
            max_width=max_width,
            right="lrrr",
        )
    )
    parts.append(wrapped(sureness(report.unsure), max_width))
    parts.append("How often each is right:")
    for name, of in report.by.items():
        shown = worst_first(of)[:SHOWN]
        parts.append(
            table(
                (
                    "kind, as the machine sees it" if name == "group" else name,
                    "images",
                    "words",
                    "neighbours",
                    "blend",
                ),
                [
                    (part, f.n, *(percent(x.value) for x in (f.zero_shot, f.neighbours, f.blend)))
                    for part, f in shown
                ],
                max_width=max_width,
                right="lrrrr",
            )
            + (f"\nand {len(of) - SHOWN} more, none of them worse" if len(of) > SHOWN else "")
        )
    parts.append(style.dim(f"kept as evaluation {report.number}, settings {report.settings}"))
    return "\n\n".join(parts)


def sureness(sure: SureFigures) -> str:
    """How many verdicts are sure, and how good these are, in one sentence."""
    if sure.accuracy_sure is None:
        told = "None of the verdicts is sure"
    else:
        told = (
            f"{percent(sure.share_sure)} of the verdicts are sure, and "
            f"{percent(sure.accuracy_sure)} of these are right"
        )
    return (
        f"{told}; the truth is covered in {percent(sure.coverage)} (an unsure verdict covers it)."
    )


def worst_first(parts: Mapping[str, PartFigures]) -> list[tuple[str, PartFigures]]:
    """Parts in the order in which people look: where the blend is worst, then the largest."""
    return sorted(parts.items(), key=lambda item: (item[1].blend.value, -item[1].n))


def _confusion(blend: MethodFigures, max_width: int | None) -> str:
    columns = ("blend's confusion", *(f"judged {safe(name)}" for name in blend.confusion))
    rows = [(truth, *row.values()) for truth, row in blend.confusion.items()]
    return table(columns, rows, max_width=max_width, right="l" + "r" * len(blend.confusion))


def _interval(share: Proportion) -> str:
    return f"{100 * share.value:.2f} % ({100 * share.low:.2f} to {100 * share.high:.2f})"


def _classes(methods: Mapping[str, MethodFigures], max_width: int | None) -> str:
    rows = [
        (
            NAMES[name],
            safe(label),
            f"{100 * f.precision:.1f} %",
            f"{100 * f.recall:.1f} %",
            f"{100 * f.f1:.1f} %",
            f.support,
        )
        for name, m in methods.items()
        for label, f in m.per_class.items()
    ]
    return table(
        ("method", "class", "precision", "recall", "F1", "images"),
        rows,
        max_width=max_width,
        right="llrrrr",
    )


def comparison(report: EvaluationComparison, max_width: int | None, style: Style) -> str:
    """Two kept evaluations side by side."""
    first, second = report.first, report.second
    rows = []
    for name, change in report.change.items():
        before = first["methods"][name]["accuracy"]["value"]
        pair = change.mcnemar
        rows.append(
            (
                NAMES[name],
                f"{100 * before:.2f} %",
                f"{100 * (before + change.accuracy):.2f} %",
                f"{100 * change.accuracy:+.2f}",
                f"{pair.only_second} / {pair.only_first}",
                f"{pair.p:.2g}",
                f"{change.ece:+.4f}",
            )
        )
    head = " and ".join(
        f"{r['number']} ({r['split']}, {counted(r['n'], 'image')}, settings {r['settings']})"
        for r in (first, second)
    )
    columns = ("method", "first", "second", "points", "mended/broken", "p", "ECE")
    recalls = [
        (NAMES[name], safe(label), f"{100 * gain:+.2f}")
        for name, change in report.change.items()
        for label, gain in change.per_class_recall.items()
    ]
    parts = [
        style.bold(safe(f"evaluations {head}")),
        table(columns, rows, max_width=max_width, right="lrrrrrr"),
        table(("method", "class", "recall, points"), recalls, max_width=max_width, right="llr"),
    ]
    for title, ids in (("mended", report.mended), ("broken", report.broken)):
        if ids:
            more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
            parts.append(f"{title} by the blend: {' '.join(f'#{i}' for i in ids[:SHOWN])}{more}")
    return "\n\n".join(parts)


def compare(report: CompareReport, max_width: int | None, style: Style) -> str:
    head = (
        f"{counted(report.n, 'image')} of {safe(report.split)}, "
        f"{counted(report.support, 'labelled image')} to learn from"
    )
    rows = report.contenders
    classes = list(rows[0].per_class) if rows else []
    few = ("10", "100")
    # Three tables, the most telling first: one would be wider than a terminal.
    figures = table(
        ("method", "accuracy (95 %)", "labels"),
        [(c.method, _interval(c.accuracy), c.labels) for c in rows],
        max_width=max_width,
        right="llr",
    )
    by_class = table(
        ("precision / recall", *classes),
        [
            (
                c.method,
                *(f"{100 * f.precision:.1f} / {100 * f.recall:.1f}" for f in c.per_class.values()),
            )
            for c in rows
        ],
        max_width=max_width,
        right="l" + "r" * len(classes),
    )
    costs = table(
        ("method", *(f"{n} labels" for n in few), "training", "images/s"),
        [
            (
                c.method,
                *(
                    f"{100 * c.learning_curve[n]:.1f} %" if n in c.learning_curve else "-"
                    for n in few
                ),
                f"{c.train_seconds:.1f} s",
                f"{c.images_per_second:,.0f}",
            )
            for c in rows
        ],
        max_width=max_width,
        right="lrrrr",
    )
    return "\n\n".join([style.bold(head), figures, by_class, costs])


def replay(report: ReplayReport, max_width: int | None, style: Style) -> str:
    otherwise = sum(d.told for d in report.different)
    head = (
        f"{report.identical} of {counted(report.replayed, 'verdict')} came out the same, "
        f"{otherwise} otherwise; {report.untold} could not be told."
    )
    rows = [(d.id, d.what, d.why) for d in (*report.different, *report.purged)]
    shown = table(("verdict", "what", "why"), rows, max_width=max_width) if rows else ""
    return "\n\n".join(filter(None, [head, shown]))


def proposals(rows: Sequence[Proposal], max_width: int | None, style: Style) -> str:
    if not rows:
        return "Every image is labelled."
    shown = [
        (
            f"#{p.id}",
            p.label,
            percent(p.probability),
            p.kind,
            p.why,
            p.path + part_of(p.page, p.item),
        )
        for p in rows
    ]
    return table(
        ("id", "perhaps", "words", "kind", "why", "path"), shown, max_width=max_width, right="rlr"
    )


def worth(report: WordsReport, max_width: int | None, style: Style) -> str:
    """The sentences that harm most, those that help most, and groups that nobody falls into."""
    harm = [s for s in report.sentences if s.loss_without < 0]
    helpful = [s for s in reversed(report.sentences) if s.loss_without > 0]
    head = (
        f"{report.prompts} on {counted(report.n, 'image')} of {report.split}: "
        f"{percent(report.accuracy)} right, log loss {report.log_loss:.4f}"
    )
    parts = [style.bold(safe(head))]
    for title, rows in (("harm", harm), ("help", helpful)):
        if rows:
            shown = [
                (f"{1000 * s.loss_without:+.2f}", f"{s.right_without:+d}", s.group, s.prompt)
                for s in rows[: SHOWN // 2]
            ]
            told = (
                f"{title}: {len(rows)} of {counted(len(report.sentences), 'sentence')}; left out, "
                "each changes the log loss (in thousandths) and the right images by:"
            )
            parts.append(
                wrapped(told, max_width)
                + "\n"
                + table(
                    ("log loss", "right", "kind", "sentence"),
                    shown,
                    max_width=max_width,
                    right="rr",
                )
            )
    empty = [g.group for g in report.groups if g.images == 0]
    strange = [g for g in report.groups if g.images and g.of_class < 0.5 * g.images]
    if empty:
        told = f"{counted(len(empty), 'kind')} that no image falls into: {safe(', '.join(empty))}"
        parts.append(wrapped(told, max_width, 2))
    if strange:
        told = ", ".join(f"{g.group} ({g.of_class} of {g.images})" for g in strange)
        told = f"kinds that mostly pull images of other classes: {safe(told)}"
        parts.append(wrapped(told, max_width, 2))
    return "\n\n".join(parts)
