"""The whole catalog as open files, one Parquet file a table, and a catalog from them.

The list of neighbour files is left out: they do not go with an export, and are made again.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from mediclip_index.catalog import audit, conditions, errors, library, presence, schema
from mediclip_index.catalog.files import put_in_place
from mediclip_index.catalog.rows import scalar
from mediclip_index.catalog.store import FILE, PATIENCE, Catalog, ReadTransaction
from mediclip_index.types import IndexTooNew, UsageError

MANIFEST = "manifest.json"
FORMAT = "mediclip-index export"
_DERIVED = {"neighbour_files"}
_BATCH = 10_000
README = """# An export of mediclip-index

One Parquet file a table of the catalog, with all its rows (what was purged is gone), each with the
transaction (`tx`) that wrote it. `transactions` says when (`time_us`: microseconds since 1970,
UTC), by whom (`author`) and by which command. `mediclip-index --index NEW build THIS_FOLDER` makes
an index of it again. The list of neighbour files (`neighbour_files`) is left out: they are made
from the vectors then.

| file | holds |
| --- | --- |
| images | one row a picture: `sha256` of its file, page, size, format |
| files | which path held which content, from `since_tx` until `until_tx` (NULL: still) |
| vectors_N | unit vectors by the encoder whose `number` is N in `encoders` |
| labels, attributes | all that was ever said of an image; the latest row counts, '' takes away |
| thumbnails | each image in 48 x 48 grey bytes, by which near copies are told |
| prompt_sets, settings, choices | words and numbers, and which were in force since when |
| verdicts | the audit: `body` is canonical JSON, `hash` = sha256(`previous` + `body_sha256`) |
| unrelated | how alike each encoder finds pictures that have nothing to do with each other |
| removals, erased_bodies | what was removed, brought back or purged |
| evaluations, refusals, sources | reports; files that could not be used; what was built from |
| sentences_N | vectors of the prompts' sentences, which have no `tx` |
| identity | the index's own id, when it was made, and the salt of its paths if they are hashed |
| index_types | the kind of neighbour file asked for: auto, exact or compressed |

`library.csv` is what there is now, one row an image, for people and spreadsheets, and
`library.parquet` the same for programs (`pandas.read_parquet("library.parquet")`): `verdict` and
`kind` are what counts, a person's word first (`labelled_by` says whose), `probability` is what the
index gives to that class, `unsure` whether it doubts and nobody has said what it is, and `guess`
the class by the index alone, whatever a person said. In the Parquet
files a byte of a path that is no UTF-8 is kept as the character U+10FF00 plus the byte.
`manifest.json` holds the checksum of every file.
"""


def write(
    read: ReadTransaction, folder: Path, verdicts: conditions.VerdictColumns | None = None
) -> dict[str, int]:
    """Write the tables and the library into a folder (`read` must be a reading into it), with what
    each image is where that is known; returns the rows by table."""
    counts: dict[str, int] = {}
    for table in schema.tables(read.db):
        if table in _DERIVED:
            continue
        target = schema.literal(str(folder / f"{table}.parquet"))
        read.db.execute(f"COPY {table} TO {target} (FORMAT parquet, COMPRESSION zstd)")
        counts[table] = int(scalar(read.db, f"SELECT count(*) FROM {table}"))
    _library(read, folder / "library.csv", verdicts)
    conditions.write(read, str(folder / "library.parquet"), verdicts)
    (folder / "README.md").write_text(README)
    manifest = {
        "format": FORMAT,
        "schema": schema.version(read.db),
        "tx": read.tx,
        "chain_head": audit.head(read)[1],
        "rows": counts,
        "files": {p.name: _sha256(p) for p in sorted(folder.iterdir())},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return counts


def _library(read: ReadTransaction, file: Path, verdicts: conditions.VerdictColumns | None) -> None:
    said = _by_image(verdicts)
    attributes = library.names(read)
    with file.open("w", newline="", encoding="utf-8", errors="surrogateescape") as out:
        table = csv.writer(out, lineterminator="\n")
        first = ("path", "label", "split", "subject")
        rest = tuple(n for n in library.BUILT_IN if n not in first)
        table.writerow(
            [
                *first,
                *map(library.shown, attributes),
                *rest,
                *library.OF_VERDICTS,
            ]
        )
        ids = presence.present_ids(read).tolist()
        for start in range(0, len(ids), _BATCH):
            for _, row in sorted(conditions.rows(read, ids[start : start + _BATCH]).items()):
                further = [row["meta"].get(n, "") for n in attributes]
                table.writerow(
                    [
                        *(row.get(n, "") for n in first),
                        *further,
                        *(row.get(n, "") for n in rest),
                        *said.get(row["id"], [""] * len(library.OF_VERDICTS)),
                    ]
                )


def _by_image(verdicts: conditions.VerdictColumns | None) -> dict[int, list[Any]]:
    """The cells of each image's verdict, in the order of OF_VERDICTS."""
    if verdicts is None:
        return {}
    cells = zip(
        verdicts.verdict.tolist(),
        ["" if kind is None else kind for kind in verdicts.kind.tolist()],
        ["" if p != p else round(p, 6) for p in verdicts.probability.tolist()],
        ["true" if unsure else "false" for unsure in verdicts.unsure.tolist()],
        verdicts.guess.tolist(),
        strict=True,
    )
    return {i: list(row) for i, row in zip(verdicts.ids.tolist(), cells, strict=True)}


def manifest(folder: Path) -> dict[str, Any] | None:
    """What an export says of itself; None where the folder is no export."""
    try:
        said = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and said.get("format") == FORMAT else None


def check(folder: Path) -> dict[str, Any]:
    """The manifest of an export whose files are all as they were written; UsageError else."""
    said = manifest(folder)
    if said is None:
        raise UsageError(f"{folder} is no export of mediclip-index (it has no {MANIFEST} of one).")
    if int(said["schema"]) > schema.newest():
        raise IndexTooNew(
            f"{folder} was exported by a newer mediclip-index; update with "
            "`pip install --upgrade mediclip-index`."
        )
    files: Mapping[str, str] = said["files"]
    for name, digest in files.items():
        path = folder / Path(name).name
        if not path.is_file() or _sha256(path) != digest:
            raise UsageError(
                f"{path} is missing or was changed since it was exported, so no index was made; "
                "export anew, or bring the file back."
            )
    return said


def read(folder: Path, export: Path) -> Catalog:
    """A new catalog with all rows of an export, in an empty or missing folder."""
    said = check(export)
    folder = folder.absolute()
    Catalog.vacant(folder)
    catalog = Catalog(folder)
    with catalog.alone(PATIENCE), errors.told(catalog.file):
        if catalog.file.exists():
            raise UsageError(f"There is an index at {folder} already; name another folder.")
        unfinished = folder / f"{FILE}.{os.getpid()}.new"
        unfinished.unlink(missing_ok=True)
        try:
            _fill(unfinished, export, said)
            put_in_place(unfinished, catalog.file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                unfinished.unlink()
        catalog.spool.mkdir(exist_ok=True)
    return catalog


def _fill(file: Path, export: Path, said: Mapping[str, Any]) -> None:
    at = int(said["schema"])
    db = schema.create(file, at)
    try:
        schema.confine(db, [export.absolute()])
        here = schema.tables(db)
        db.begin()
        for table in said["rows"]:
            source = schema.literal(str(export.absolute() / f"{table}.parquet"))
            prefix, _, number = table.rpartition("_")
            if table not in here:
                if prefix not in ("vectors", "sentences") or not number.isdigit():
                    raise UsageError(f"{export} holds a table {table} that no index has.")
            else:
                db.execute(f"DELETE FROM {table}")
                db.execute(f"INSERT INTO {table} BY NAME FROM read_parquet({source})")
        for number, dim in db.execute("SELECT number, dim FROM encoders").fetchall():
            for table, sql in schema.encoder_tables(number, dim).items():
                source = schema.literal(str(export.absolute() / f"{table}.parquet"))
                db.execute(sql)
                db.execute(f"INSERT INTO {table} BY NAME FROM read_parquet({source})")
        db.commit()
        if at < schema.newest():
            schema.migrate(db, at)
        last = int(scalar(db, "SELECT coalesce(max(tx), 0) FROM transactions"))
        if audit.head(ReadTransaction(db, last))[1] != said["chain_head"]:
            raise UsageError(f"{export} does not hold the audit that it was exported with.")
        db.execute("CHECKPOINT")
    except duckdb.Error as error:
        first = str(error).strip().splitlines()[0]
        raise UsageError(f"{export} can't be read as an export ({first}).") from error
    finally:
        db.close()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
