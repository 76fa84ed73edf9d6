"""`auto`: the model that an index gets where its maker named none. Never touches the network."""

from __future__ import annotations

from pathlib import Path

from mediclip_index.encoding.fetch import in_cache
from mediclip_index.encoding.file_hashes import FileHashes

BEST = "ViT-B-32-quickgelu:openai"
BUNDLED = "lite"
# Where open_clip looks for OpenAI's CLIP ViT-B/32, and the file that OpenAI's own package leaves.
REPOSITORY = "timm/vit_base_patch32_clip_224.openai"
FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
OWN_FILE = "ViT-B-32.pt"
OWN_SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"


def resolve_auto(cache_dir: Path | None = None) -> tuple[str, str]:
    """The model that `auto` stands for on this machine, and one sentence that says which, why, and
    what to type for the other.

    `cache_dir` is where weights are kept; None is the hub's own cache, and OpenAI's.
    """
    if weights_of_best(cache_dir) is not None:
        return BEST, (
            f"Using {BEST}, whose weights lie in this machine's cache; "
            f"for the small bundled model: --model {BUNDLED}."
        )
    return BUNDLED, (
        f"Using {BUNDLED}, the small model that comes with the package, because the weights of "
        f"{BEST} don't lie in this machine's cache; to fetch and use them: --model {BEST}."
    )


def weights_of_best(cache_dir: Path | None) -> Path | None:
    """The file of OpenAI's CLIP ViT-B/32 on this machine, or None."""
    return in_cache(REPOSITORY, FILES, cache_dir) or openai_file(OWN_FILE, OWN_SHA256, cache_dir)


def openai_file(name: str, sha256: str, cache_dir: Path | None) -> Path | None:
    """A file that OpenAI's package or open_clip kept, if it is whole (a download may have broken
    off, and these files are programs: only the very bytes that OpenAI published are opened)."""
    try:
        path = (cache_dir or Path.home() / ".cache" / "clip") / name
        if path.is_file() and FileHashes().sha256(path) == sha256:
            return path
    except (OSError, RuntimeError):
        pass
    return None
