"""Files of published models: from the hub's cache where they lie there, else from the hub.

Without a hub the hub's own client takes up to a minute to say so. So we look first: at the cache,
then whether the hub's host can be reached at all, and only then ask for a file.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from pathlib import Path

from mediclip_index.types import ModelUnavailable, WeightsSource

_PATIENCE_S = 3.0


def in_cache(repo: str, filenames: Sequence[str], cache_dir: Path | None) -> Path | None:
    """The first of the files that lies in the hub's cache, or None. Touches no network."""
    try:
        from huggingface_hub import try_to_load_from_cache

        for filename in filenames:
            found = try_to_load_from_cache(repo, filename, cache_dir=cache_dir)
            if isinstance(found, str) and Path(found).is_file():
                return Path(found)
    except (ImportError, ValueError, OSError):  # ValueError: what was written is no repository name
        return None
    return None


def from_hub(
    repo: str,
    filenames: Sequence[str],
    *,
    what: str,
    instead: str,
    weights_source: WeightsSource,
) -> Path:
    """The first of the files that the repository has, from the cache or the hub.

    `what` and `instead` are for the sentence where it can't be had: what it was for, and how to
    bring it by hand. Raises ModelUnavailable.
    """
    cache_dir = weights_source.cache_dir
    found = in_cache(repo, filenames, cache_dir)
    if found is not None:
        return found
    ask_first(what, instead, weights_source.offline)
    from huggingface_hub import hf_hub_download

    reason = ""
    for filename in filenames:
        try:
            return Path(hf_hub_download(repo, filename, cache_dir=cache_dir, etag_timeout=5))
        except Exception as error:  # the client has no one family of errors
            reason = _first_line(error)
    raise ModelUnavailable(f"{what} can't be had from the hub's {repo} ({reason}); {instead}.")


def can_be_had(repo: str, filenames: Sequence[str]) -> bool:
    """Whether one of the files lies in the cache, or the hub answers. Takes seconds at the most."""
    if in_cache(repo, filenames, None) is not None:
        return True
    try:
        ask_first(repo, "", offline=False)
    except ModelUnavailable:
        return False
    return True


def from_url(url: str, *, what: str, instead: str, weights_source: WeightsSource) -> Path:
    """A file that is published outside the hub, by open_clip's own download, which checks its
    hash. Raises ModelUnavailable."""
    import open_clip.pretrained as pretrained

    _check(url, what, instead, weights_source.offline)
    cache_dir = weights_source.cache_dir
    try:
        kept_in = None if cache_dir is None else str(cache_dir)
        return Path(pretrained.download_pretrained_from_url(url, cache_dir=kept_in))
    except Exception as error:  # urllib, ssl, open_clip: no one family of errors
        raise ModelUnavailable(
            f"{what} can't be fetched ({_first_line(error)}); {instead}."
        ) from error


def ask_first(what: str, instead: str, offline: bool) -> None:
    """Raise ModelUnavailable, within seconds, where asking the hub would be in vain."""
    from huggingface_hub import constants

    _check(constants.ENDPOINT, what, instead, offline or constants.HF_HUB_OFFLINE)


def _check(url: str, what: str, instead: str, offline: bool) -> None:
    if offline:
        raise ModelUnavailable(f"{what} doesn't lie on this machine and we are offline; {instead}.")
    reason = unreachable(url)
    if reason:
        raise ModelUnavailable(
            f"{what} doesn't lie on this machine and can't be fetched ({reason}); {instead}."
        )


def unreachable(url: str, patience_s: float = _PATIENCE_S) -> str:
    """Why the url's host (or the proxy on the way to it) can't be reached; "" where it can."""
    import urllib.request  # it brings ssl, and only who fetches needs that

    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        parts = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}")
    address = (parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443))
    reasons = [f"no answer within {patience_s:.0f} s"]

    def knock() -> None:
        try:
            socket.create_connection(address, timeout=patience_s).close()
            reasons[0] = ""
        except OSError as error:
            reasons[0] = error.strerror or str(error)

    # Looking a name up knows no time limit, so we wait beside it.
    knocking = threading.Thread(target=knock, daemon=True)
    knocking.start()
    knocking.join(patience_s)
    return reasons[0]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0].rstrip(".:") if lines else type(error).__name__)[:200]
