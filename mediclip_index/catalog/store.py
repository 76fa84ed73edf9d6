"""The catalog file: opened briefly, under the folder's lock, one transaction a time."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from uuid6 import uuid7

from mediclip_index.catalog import connections, errors, schema
from mediclip_index.catalog.files import put_in_place
from mediclip_index.catalog.locks import FolderLock
from mediclip_index.catalog.rows import Connection, insert, scalar
from mediclip_index.types import IndexNotFound, UsageError

FILE = "catalog.duckdb"
OURS = {"lock", "turnstile", "spool"}  # beside it, before anything else is there
PATIENCE = 60.0  # seconds that a command waits for other processes
REWRITTEN = "rewritten_tx"  # in identity: nothing erased until then is left in the file's pages


class WrittenAtOneMoment(Exception):
    """A thread was to write within `at_one_moment`, where it would wait for itself."""


@dataclass(frozen=True)
class ReadTransaction:
    """A look at the catalog as of transaction `tx`; nobody writes while it lasts."""

    db: Connection
    tx: int

    def as_of(self, tx: int) -> ReadTransaction:
        """The same look at an earlier moment."""
        return replace(self, tx=min(tx, self.tx))

    def index_id(self) -> str:
        """What tells this index from every other; what was made of its backup or export has it."""
        return str(scalar(self.db, "SELECT value FROM identity WHERE name = 'uuid'"))


@dataclass(frozen=True)
class WriteTransaction(ReadTransaction):
    """A transaction under way; `tx` is its own number, `time_us` its moment (UTC)."""

    time_us: int
    author: str
    run: str

    def other_builds_since(self, tx: int) -> bool:
        """Whether another run has taken in files after a transaction; only builds do."""
        others = "SELECT count(*) FROM transactions WHERE tx > ? AND run <> ? AND command = 'build'"
        return int(scalar(self.db, others, [tx, self.run])) > 0


class Catalog:
    """One index folder's catalog. Holds no connection: each use opens, does and closes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FolderLock(folder)
        self._held = threading.local()

    @property
    def file(self) -> Path:
        return self.folder / FILE

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @classmethod
    def exists(cls, folder: Path) -> bool:
        return (folder / FILE).is_file()

    @classmethod
    def create(
        cls,
        folder: Path,
        first: Callable[[WriteTransaction], None] | None = None,
        *,
        by: str | None = None,
    ) -> Catalog:
        """A new catalog in an empty or missing folder; UsageError where something else is there.

        `first` fills its first transaction. The catalog is made under another name and moved into
        place whole, so that a kill or a full disk leaves no half of one.
        """
        folder = folder.absolute()
        cls.vacant(folder)
        catalog = cls(folder)
        with catalog._lock.exclusive(PATIENCE), errors.told(catalog.file):
            if catalog.file.exists():
                return cls.open(folder)
            # Only the lock's holder makes a catalog: whatever lies there is of one that was killed.
            _sweep(folder)
            unfinished = folder / f"{FILE}.new"
            try:
                with contextlib.closing(schema.create(unfinished)) as db:
                    insert(
                        db,
                        "identity",
                        {"name": "VARCHAR", "value": "VARCHAR"},
                        [
                            {"name": "uuid", "value": str(uuid7())},
                            {"name": "created_us", "value": str(time.time_ns() // 1000)},
                        ],
                    )
                    if first is not None:
                        with _transaction(db, "create", by, None) as write:
                            first(write)
                    db.execute("CHECKPOINT")
            except BaseException:
                _sweep(folder)
                raise
            catalog.spool.mkdir(exist_ok=True)
            put_in_place(unfinished, catalog.file)
        return catalog

    @staticmethod
    def vacant(folder: Path) -> None:
        """Make a folder for an index; UsageError where something else is there."""
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; name a folder for the index.")
        if folder.is_dir() and any(
            i.name not in OURS and FILE not in i.name for i in folder.iterdir()
        ):
            raise UsageError(
                f"{folder} is a folder with other things in it; name a new or empty one for "
                "the index."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"The folder {folder} can't be made: {error.strerror}.") from None

    @classmethod
    def discard(cls, folder: Path) -> None:
        """Take away a catalog that holds nothing yet, and its folder where nothing else is there;
        one that holds images or verdicts stays."""
        catalog = cls.open(folder)
        # Under one lock: another process may be filling it by now.
        with catalog._lock.exclusive(PATIENCE):
            with catalog._connected(read_only=True) as db:
                held = scalar(
                    db, "SELECT (SELECT count(*) FROM images) + (SELECT count(*) FROM verdicts)"
                )
            if held:
                return
            for item in list(catalog.folder.iterdir()):
                if item.name in OURS or FILE in item.name:
                    shutil.rmtree(item) if item.is_dir() else item.unlink()
            with contextlib.suppress(OSError):
                catalog.folder.rmdir()

    @classmethod
    def open(cls, folder: Path) -> Catalog:
        """The catalog of an existing index folder; IndexUnavailable where there is none."""
        folder = folder.absolute()
        if not folder.exists():
            raise IndexNotFound(f"No index at {folder}: make one with `mediclip-index build`.")
        if not cls.exists(folder):
            raise IndexNotFound(
                f"{folder} is no index (it has no {FILE}): name another with --index, or make one "
                "with `mediclip-index build`."
            )
        return cls(folder)

    @contextmanager
    def reading(
        self, timeout: float = PATIENCE, *, into: Path | None = None
    ) -> Iterator[ReadTransaction]:
        """A look at the catalog; other readers may look too, writers wait. The one folder that SQL
        may write files to is `into`."""
        outer: ReadTransaction | None = getattr(self._held, "read", None)
        if outer is not None and into is None:
            with contextlib.closing(outer.db.cursor()) as db:
                yield replace(outer, db=db)
            return
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._lock.shared(timeout))
            db = stack.enter_context(self._connected(read_only=True, into=into))
            if schema.check(db, self.file) == schema.newest():
                yield ReadTransaction(db, _last_tx(db))
                return
        self._migrate(timeout)
        with self.reading(timeout, into=into) as looking:
            yield looking

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """All looks of this thread within see the same transaction, and the file is opened once.
        WrittenAtOneMoment where one is to be written within."""
        if getattr(self._held, "read", None) is not None:
            yield
            return
        with self.reading() as read:
            self._held.read = read
            try:
                yield
            finally:
                self._held.read = None

    @contextmanager
    def still(self, timeout: float = PATIENCE) -> Iterator[None]:
        """Nobody writes while it lasts, and the files of the catalog may be copied."""
        with self._lock.shared(timeout):
            yield

    @contextmanager
    def writing(
        self,
        command: str,
        *,
        by: str | None = None,
        run: str | None = None,
        timeout: float = PATIENCE,
    ) -> Iterator[WriteTransaction]:
        """One transaction, committed when the block ends well and undone when it raises."""
        if getattr(self._held, "read", None) is not None:
            raise WrittenAtOneMoment
        with self._lock.exclusive(timeout), self._connected(read_only=False) as db:
            # Closing would otherwise rewrite the last row groups after each small transaction; the
            # WAL keeps them safe, and DuckDB folds it in when it has grown.
            db.execute("PRAGMA disable_checkpoint_on_shutdown")
            at = schema.check(db, self.file)
            if at < schema.newest():
                db.execute("CHECKPOINT")  # so that the copy is whole without its log
                self._copy_before_migration(at)
                schema.migrate(db, at)
            with _transaction(db, command, by, run) as write:
                yield write

    def checkpoint(self, timeout: float = PATIENCE) -> None:
        """Fold the write-ahead log into the file, once much was written."""
        with self._lock.exclusive(timeout), self._connected(read_only=False) as db:
            db.execute("CHECKPOINT")

    @contextmanager
    def alone(self, timeout: float = PATIENCE) -> Iterator[None]:
        """Nobody else reads or writes while it lasts, and the catalog's file may be replaced."""
        with self._lock.exclusive(timeout):
            yield

    def rewrite(self, timeout: float = PATIENCE) -> None:
        """Write the file anew from its rows: what was erased is then in none of its pages.

        The log is folded in first and the new file renamed over the old one, so that a kill leaves
        one whole catalog, the old or the new.
        """
        unfinished = self.folder / f"{FILE}.{os.getpid()}.new"
        with self._lock.exclusive(timeout), errors.told(self.file):
            with self._connected(read_only=False) as db:
                schema.check(db, self.file)
                db.execute("CHECKPOINT")
            for left in self.folder.glob(f"{unfinished.name}*"):  # of one that died, also its log
                left.unlink()
            new = schema.create(unfinished)
            try:
                schema.confine(new, [self.folder])
                new.execute(f"ATTACH {schema.literal(str(self.file))} AS old (READ_ONLY)")
                new.begin()
                schema.copy_rows(new, "old")
                new.execute("DELETE FROM identity WHERE name = ?", [REWRITTEN])
                new.execute("INSERT INTO identity VALUES (?, ?)", [REWRITTEN, str(_last_tx(new))])
                new.commit()
                new.execute("DETACH old")
                new.execute("CHECKPOINT")
            finally:
                new.close()
            put_in_place(unfinished, self.file)

    @contextmanager
    def _connected(self, *, read_only: bool, into: Path | None = None) -> Iterator[Connection]:
        with errors.told(self.file):
            if read_only and into is None:
                with connections.shared(self.file, self._open_to_read) as db:
                    yield db
                return
            # A configuration of its own asks for an instance of its own.
            with connections.alone(self.file):
                db = self._opened(read_only=read_only, into=into)
                try:
                    yield db
                finally:
                    db.close()

    def _open_to_read(self) -> Connection:
        return self._opened(read_only=True, into=None)

    def _opened(self, *, read_only: bool, into: Path | None) -> Connection:
        try:
            db = duckdb.connect(
                str(self.file),
                read_only=read_only,
                config={
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                },
            )
            schema.confine(db, [] if into is None else [into])
            if read_only:
                db.execute("SET lock_configuration = true")
        except duckdb.Error as error:
            raise errors.cannot_open(self.file, error) from error
        return db

    def _migrate(self, timeout: float) -> None:
        with self.writing("migrate", timeout=timeout):
            pass

    def _copy_before_migration(self, at: int) -> None:
        copy = self.folder / f"{FILE}.schema-{at}"
        unfinished = copy.with_name(copy.name + ".new")
        shutil.copyfile(self.file, unfinished)
        put_in_place(unfinished, copy)


def operating_user() -> str:
    """The name that rows are signed with where none was given."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@contextmanager
def _transaction(
    db: Connection, command: str, by: str | None, run: str | None
) -> Iterator[WriteTransaction]:
    """The next numbered transaction, committed when the block ends well, undone when it raises."""
    db.begin()
    write = WriteTransaction(
        db=db,
        tx=_last_tx(db) + 1,
        time_us=time.time_ns() // 1000,
        author=by or operating_user(),
        run=run or str(uuid7()),
    )
    insert(
        db,
        "transactions",
        {
            "tx": "BIGINT",
            "time_us": "BIGINT",
            "author": "VARCHAR",
            "run": "VARCHAR",
            "command": "VARCHAR",
        },
        [
            {
                "tx": write.tx,
                "time_us": write.time_us,
                "author": write.author,
                "run": write.run,
                "command": command,
            }
        ],
    )
    try:
        yield write
    except BaseException:
        # After a write that failed DuckDB takes no further order; closing undoes it all the same.
        with contextlib.suppress(duckdb.Error):
            db.rollback()
        raise
    db.commit()


def _sweep(folder: Path) -> None:
    """Delete what is left of a catalog whose making was killed."""
    for path in (*folder.glob(f"{FILE}.new*"), *folder.glob(f"{FILE}.*.new*")):
        path.unlink(missing_ok=True)


def _last_tx(db: Connection) -> int:
    return int(scalar(db, "SELECT coalesce(max(tx), 0) FROM transactions"))
