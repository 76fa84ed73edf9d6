"""A source (folder, archive, list, PDF, DICOM, picture) → upright RGB pictures. No model here, no
database."""

from mediclip_index.reading.archives import MARK as MEMBER
from mediclip_index.reading.archives import is_there
from mediclip_index.reading.archives import split as member_of
from mediclip_index.reading.content import (
    ReadResult,
    content_hash,
    read,
    read_bytes,
    read_file,
    starts_as_pdf,
)
from mediclip_index.reading.lists import FILLED_IN, ListRow, label_rows, said_of_files, together
from mediclip_index.reading.recipes import RECIPE, read_otherwise
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.sources import Scan, plain, scan
from mediclip_index.reading.tones import squared, unshaped, within
from mediclip_index.reading.worker import Task
from mediclip_index.reading.workers import Found, WorkerProcess

__all__ = [
    "FILLED_IN",
    "MEMBER",
    "RECIPE",
    "Found",
    "ListRow",
    "ReadResult",
    "Scan",
    "Task",
    "Unreadable",
    "WorkerProcess",
    "content_hash",
    "is_there",
    "label_rows",
    "member_of",
    "plain",
    "read",
    "read_bytes",
    "read_file",
    "read_otherwise",
    "said_of_files",
    "scan",
    "squared",
    "starts_as_pdf",
    "together",
    "unshaped",
    "within",
]
