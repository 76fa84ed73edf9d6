"""A raster file's bytes → its pictures, or the reason why there are none."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from mediclip_index.reading import camera
from mediclip_index.reading.raster import stills, tiff
from mediclip_index.reading.raster.samples import TURNED, seen
from mediclip_index.reading.raster.stills import check_pixels
from mediclip_index.reading.refusing import Begun, Item, Unreadable
from mediclip_index.reading.signatures import refusal, signature
from mediclip_index.reading.tones import bounded, pixels, reduction
from mediclip_index.types import Bounds, Picture, Refusal, Truncated

# How Pillow says that it does not know a kind of a format.
_UNKNOWN = re.compile(
    r"unsupported|not supported|unimplemented|unknown \w+ (?:mode|depth|type)", re.IGNORECASE
)
# How decoders say that they got no memory; a module that can't be loaded then has said it, too.
_MEMORY = re.compile(r"memory|allocat|thread|map segment", re.IGNORECASE)


def items(
    data: bytes,
    path: str,
    size: int,
    bounds: Bounds,
    first: int = 1,
    truncated: Truncated = "refuse",
) -> Iterator[Item]:
    """The pictures of a raster file: the first frame, but every page of a TIFF, from `first` on.

    A page that fails is refused by itself. Raises Unreadable where the file as a whole can't be
    used.
    """
    with _decoding(path, data, truncated):
        if camera.is_raw(data):
            yield camera.preview(data, path, size, bounds)
        elif data.startswith(tiff.MARKS):
            yield from _pages(data, path, size, bounds, first)
        else:
            yield stills.read(data, path, size, bounds, truncated)


@contextlib.contextmanager
def _decoding(path: str, data: bytes, truncated: Truncated | None = None) -> Iterator[None]:
    """Whatever a decoder throws at a bad file becomes a reason; `truncated` where what is there of
    a file that ends too soon can be shown."""
    try:
        with warnings.catch_warnings():
            # Decoders warn of what they mend; bombs are weighed by our own bounds.
            warnings.simplefilter("ignore")
            yield
    except Unreadable:
        raise
    except Image.DecompressionBombError:
        raise Unreadable("too_large", f"{path} holds too many pixels to be read.") from None
    except UnidentifiedImageError:
        raise refusal(data, path) from None
    except MemoryError:
        raise Unreadable("too_large", f"{path} needs more memory than there is.") from None
    except NotImplementedError:
        raise Unreadable(
            "unsupported", f"{path} is a picture of a kind that can't be read."
        ) from None
    except Exception as error:
        # Decoders of hostile files raise nearly anything: ValueError, SyntaxError, struct.error …
        # and may quote the file, names and all: what they say is not passed on.
        if isinstance(error, ImportError) or _MEMORY.search(str(error)):
            raise Unreadable("too_large", f"{path} needs more memory than there is.") from None
        known = signature(data)
        if known is None or known.name == "XPM":
            # Pillow takes much for a picture that none of its marks tell, and no XPM for odd.
            raise refusal(data, path) from None
        if _UNKNOWN.search(str(error)):
            raise Unreadable(
                "unsupported",
                f"{path} is a {known.name} of a kind that is not read; save it as PNG.",
            ) from None
        if stills.CUT_SHORT.search(str(error)):
            remedy = "get a whole copy of it"
            if truncated == "refuse" and not data.startswith(tiff.MARKS):
                remedy += ", or try what is there with --truncated show"
            raise Unreadable("damaged", f"{path} ends too soon; {remedy}.") from None
        raise Unreadable("damaged", f"{path} is damaged; get a whole copy of it.") from None


def _pages(data: bytes, path: str, size: int, bounds: Bounds, first: int) -> Iterator[Item]:
    """Every page of a TIFF that is a picture of its own."""
    try:
        file = tiff.opened(data)
        own = tiff.pages(file, path, size, bounds)
    except Unreadable:
        raise
    except Exception:  # what tifffile can't make out, libtiff perhaps can
        yield stills.read(data, path, size, bounds)
        return
    count = max(len(file.pages), own[-1].number)  # it counts none behind one that leads back
    if count == 1:
        yield _page(data, own[0], path, size, bounds, None)
        return
    for one in own:
        if one.number < first:
            continue
        yield Begun(one.number, count)
        try:
            with _decoding(path, data):
                picture = _page(data, one, path, size, bounds, count)
        except Unreadable as why:
            yield Refusal(path, why.reason, why.message, one.number)
        else:
            yield picture


def _page(
    data: bytes, one: tiff.Page, path: str, size: int, bounds: Bounds, count: int | None
) -> Picture:
    """One page; `count` is how many there are, where there are several."""
    number = None if count is None else one.number
    page, level = one.page, one.level
    full = (int(page.imagewidth), int(page.imagelength))
    level_size = (int(level.imagewidth), int(level.imagelength))
    check_pixels(*level_size, path, bounds)
    factor = reduction(level_size, size)
    if page.compression in tiff.BY_LIBTIFF:
        with contextlib.suppress(Exception):
            return _page_by_libtiff(data, one, path, size, bounds, number)
    try:
        samples = tiff.samples(level, data, path, factor)
        picture, turn = seen(samples), samples.orientation
    except (MemoryError, Unreadable):
        raise  # what is refused by name, libtiff would take for another kind
    except Exception as failed:
        # libtiff knows kinds that tifffile doesn't, but no page of a file that it can't make out.
        try:
            return _page_by_libtiff(data, one, path, size, bounds, number)
        except Exception:
            raise failed from None
    width, height = full[::-1] if turn in TURNED else full
    return Picture(
        pixels=pixels(bounded(picture, size)),
        width=width,
        height=height,
        format="TIFF",
        page=number,
        metadata={"mode": tiff.kind_of(page), "frames": count or 1},
    )


def _page_by_libtiff(
    data: bytes, one: tiff.Page, path: str, size: int, bounds: Bounds, number: int | None
) -> Picture:
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as picture:
        if one.number > 1:
            picture.seek(one.number - 1)
        # Pillow takes white for black in some kinds that tifffile refused.
        if picture.mode in stills.DEEP:
            raise NotImplementedError
        # It turns a TIFF upright by itself.
        return stills.of_pillow(picture, path, size, bounds, still=stills.Still(1), page=number)
