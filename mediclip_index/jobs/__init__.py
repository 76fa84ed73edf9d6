"""What is done to an index, one module a job: each takes the desk and a request, gives a report."""

from mediclip_index.jobs.accounts import audit_list, audit_show, audit_verify, info
from mediclip_index.jobs.building import build
from mediclip_index.jobs.columns import with_verdicts
from mediclip_index.jobs.copying import (
    backup,
    export,
    from_export,
    is_export,
    restore,
)
from mediclip_index.jobs.desk import Desk
from mediclip_index.jobs.founding import found
from mediclip_index.jobs.importing import import_labels
from mediclip_index.jobs.kinds import kinds, known_kinds
from mediclip_index.jobs.labelling import label_history, path_of, set_label
from mediclip_index.jobs.lookup import image_ids, is_class
from mediclip_index.jobs.querying import query_files, query_indexed
from mediclip_index.jobs.removing import remove, removed
from mediclip_index.jobs.repairing import repair
from mediclip_index.jobs.rereading import make_thumbnails, renew_headers, thumbnails
from mediclip_index.jobs.searching import encode_texts, search, vectors_of
from mediclip_index.jobs.settings import reset_settings, settings_list, use_settings
from mediclip_index.jobs.splitting import split
from mediclip_index.jobs.summarising import summary
from mediclip_index.jobs.turning import turned
from mediclip_index.jobs.verifying import verify
from mediclip_index.jobs.wordings import add_prompts, prompt_sets, prompt_source, try_prompts

__all__ = [
    "Desk",
    "add_prompts",
    "audit_list",
    "audit_show",
    "audit_verify",
    "backup",
    "build",
    "encode_texts",
    "export",
    "found",
    "from_export",
    "image_ids",
    "import_labels",
    "info",
    "is_class",
    "is_export",
    "kinds",
    "known_kinds",
    "label_history",
    "make_thumbnails",
    "path_of",
    "prompt_sets",
    "prompt_source",
    "query_files",
    "query_indexed",
    "remove",
    "removed",
    "renew_headers",
    "repair",
    "reset_settings",
    "restore",
    "search",
    "set_label",
    "settings_list",
    "split",
    "summary",
    "thumbnails",
    "try_prompts",
    "turned",
    "use_settings",
    "vectors_of",
    "verify",
    "with_verdicts",
]
