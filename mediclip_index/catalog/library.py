"""The library as SQL: one row an image that is there, with all that is known of it."""

from __future__ import annotations

from mediclip_index.catalog import labels
from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.schema import literal
from mediclip_index.catalog.store import ReadTransaction

BUILT_IN = (
    "id",
    "path",
    "label",
    "split",
    "subject",
    "width",
    "height",
    "format",
    "page",
    "item",
    "bytes",
    "sha256",
    "added",
    "labelled_by",
)
# What is told of images by judging them; the class and kind that count, a person's word first, and
# last the class by the machine alone.
OF_VERDICTS = ("verdict", "kind", "probability", "unsure", "guess")
# What DICOM headers say, where a source has not said something else under that name.
OF_HEADERS = ("modality", "body_part", "burned_in")
OURS = {*BUILT_IN, *OF_VERDICTS, "meta"}


def names(read: ReadTransaction) -> list[str]:
    """The attributes that sources have ever brought, by name, and with any DICOM file what headers
    say. Names that differ only in case are one, spelled as it came first, since SQL knows no case;
    those that are younger than `look` hold nothing."""
    rows = read.db.execute(
        "SELECT arg_min(name, (tx, name)) FROM attributes GROUP BY lower(name)"
    ).fetchall()
    found = {name.lower(): name for (name,) in rows}
    if scalar(read.db, "SELECT count(*) > 0 FROM images WHERE format = 'DICOM'"):
        found = {name: name for name in OF_HEADERS} | found
    return sorted(found.values())


def shown(attribute: str) -> str:
    """What the column of an attribute is called."""
    return f"meta.{attribute}" if is_ours(attribute) else attribute


def is_ours(name: str) -> bool:
    return name.lower() in OURS


def table(read: ReadTransaction, judged: bool = False, among: str | None = None) -> str:
    """The library as SQL; `among`: of these ids alone, "(1, 2)", asked of each table by itself so
    that a few images don't wait for an aggregate over all."""
    attributes = names(read)
    of_images = "" if among is None else f" AND image IN {among}"
    images = f"images_at({read.tx})" if among is None else _images_among(read, among)
    texts = [f"any_value(value) FILTER (name = lower({literal(n)}))" for n in attributes]
    # A column whose every value is a number compares as one: `age > 50` is not about spelling.
    values = [
        f"TRY_CAST({text} AS DOUBLE)"
        if n.lower() not in OF_HEADERS and _all_numbers(read, n)
        else text
        for n, text in zip(attributes, texts, strict=True)
    ]
    # By numbers at first: an attribute may be called as a column that is needed on the way.
    pivot = ", ".join(f"{value} AS a{n}" for n, value in enumerate(values))
    packed = ", ".join(f"{literal(n)}: {t}" for n, t in zip(attributes, texts, strict=True))
    flat = "".join(
        f", a.a{n} AS {quote(name)}" for n, name in enumerate(attributes) if not is_ours(name)
    )
    said = (
        f"SELECT image, {pivot}, {{{packed}}} AS meta FROM {_said(read, among)} GROUP BY image"
        if attributes
        else "SELECT NULL::BIGINT AS image, NULL AS meta WHERE false"
    )
    # NULL where nothing is known, as in any other column; DuckDB orders nan above all numbers.
    verdicts = (
        "nullif(v.verdict, '') AS verdict, nullif(v.kind, '') AS kind, "
        "CASE WHEN NOT isnan(v.probability) THEN v.probability END AS probability, v.unsure, "
        "nullif(v.guess, '') AS guess, "
    )
    verdicts, joined = (verdicts, "LEFT JOIN judged v ON v.image = i.id ") if judged else ("", "")
    return (
        f"WITH a AS ({said}), library AS (SELECT i.id, i.path, l.label, l.split, l.subject, "
        "i.width, i.height, i.format, i.page, i.item, i.bytes, i.sha256, "
        f"make_timestamp(t.time_us) AS added, h.author AS labelled_by, {verdicts}"
        f"a.meta{flat} FROM {images} i "
        f"LEFT JOIN (FROM labels_at({read.tx}) WHERE true{of_images}) l ON l.image = i.id "
        "LEFT JOIN a ON a.image = i.id "
        f"LEFT JOIN ({labels.by_hand_sql(str(read.tx), of_images)}) h ON h.image = i.id {joined}"
        "JOIN transactions t ON t.tx = i.tx)"
    )


def _images_among(read: ReadTransaction, among: str) -> str:
    """`images_at` of these ids, whose files alone are looked at."""
    return (
        "(SELECT images.*, here.path FROM images JOIN ("
        f"SELECT sha256, arg_min(path, (since_tx, path)) AS path FROM files_at({read.tx}) "
        f"WHERE sha256 IN (SELECT sha256 FROM images WHERE id IN {among}) GROUP BY sha256"
        f") AS here USING (sha256) WHERE images.tx <= {read.tx} AND images.id IN {among} "
        f"AND images.id NOT IN (SELECT image FROM removed_at({read.tx})))"
    )


def _said(read: ReadTransaction, among: str | None) -> str:
    """The rows (image, name, value) of what sources and headers say of images."""
    listed = ", ".join(f"({literal(name)})" for name in OF_HEADERS)
    of_attributes = "" if among is None else f" AND image IN {among}"
    of_headers = "" if among is None else f" AND i.id IN {among}"
    return (
        "(SELECT image, lower(name) AS name, nullif(arg_max(value, tx), '') AS value "
        f"FROM attributes WHERE tx <= {read.tx}{of_attributes} GROUP BY ALL UNION ALL "
        "SELECT i.id, n.name, json_extract_string(i.technical, '$.' || n.name) "
        f"FROM images i, (VALUES {listed}) n(name) WHERE i.format = 'DICOM' "
        f"AND i.tx <= {read.tx}{of_headers} "
        f"AND NOT EXISTS (FROM attributes_at({read.tx}) s WHERE s.image = i.id "
        "AND lower(s.name) = n.name))"
    )


def _all_numbers(read: ReadTransaction, name: str) -> bool:
    return not scalar(
        read.db,
        "SELECT count(*) FROM attributes WHERE lower(name) = lower(?) AND value <> '' "
        "AND TRY_CAST(value AS DOUBLE) IS NULL",
        [name],
    )


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
