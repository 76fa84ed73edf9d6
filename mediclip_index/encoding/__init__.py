"""Pictures and sentences into unit vectors of one space: model names, the fingerprint, engines.

Importing this room imports neither torch nor open_clip; `load_encoder` does, and
`open_encoder` where a model was not made ready for OpenVINO before.
"""

from mediclip_index.encoding.auto import resolve_auto
from mediclip_index.encoding.cards import learned_from
from mediclip_index.encoding.encoder import OpenClipEncoder, Precision
from mediclip_index.encoding.fetch import can_be_had
from mediclip_index.encoding.load import load_encoder
from mediclip_index.encoding.opening import (
    ENGINES,
    PRECISIONS,
    open_encoder,
    ready_encoder,
)
from mediclip_index.encoding.openvino import OpenVinoEncoder
from mediclip_index.encoding.preprocess import Preprocessing, framed, model_input
from mediclip_index.encoding.references import Doubt, References, doubt, references
from mediclip_index.encoding.sources import bundled_versions
from mediclip_index.encoding.vocabulary import is_bundled, unknown_words

__all__ = [
    "ENGINES",
    "PRECISIONS",
    "Doubt",
    "OpenClipEncoder",
    "OpenVinoEncoder",
    "Precision",
    "Preprocessing",
    "References",
    "bundled_versions",
    "can_be_had",
    "doubt",
    "framed",
    "is_bundled",
    "learned_from",
    "load_encoder",
    "model_input",
    "open_encoder",
    "ready_encoder",
    "references",
    "resolve_auto",
    "unknown_words",
]
