"""DICOM → pictures as a viewer would show them. No patient tag is read, kept or shown."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
import zlib
from typing import Any, Literal

import numpy as np
from PIL import Image

from mediclip_index.reading.raster import check_pixels
from mediclip_index.reading.refusing import Unreadable
from mediclip_index.reading.tones import bounded, pixels, to_eight_bits
from mediclip_index.terms import Attribute, Bounds, Picture, Refusal

DEFLATED = b"1.2.840.10008.1.2.1.99"
MOST_DEFLATED = 512 * 1024**2  # bytes
# The first group of a data set that has no preamble, in either order of bytes.
_FIRST_GROUP = (b"\x08\x00", b"\x02\x00", b"\x00\x08")
_FIRST_ELEMENT = (b"\0\0", b"\x05\0", b"\x08\0", b"\0\x05", b"\0\x08")
# In this order, whatever else is installed: where two decoders know a syntax their colours may
# differ, and a picture's pixels must not hang on what a machine has.
_DECODERS = ("pydicom", "pillow", "gdcm", "pylibjpeg")
_TRUSTING = ("gdcm", "pylibjpeg")
_START_OF_FRAME = {0xF7, *range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# 12-bit JPEG: only a decoder under the GPL knows it, so it is not among what is always installed.
_NEEDS_EXTRA = ("1.2.840.10008.1.2.4.51",)
# Technical only: none of these names a person, a place, a day or a study.
_TECHNICAL = {
    "Modality": "modality",
    "BodyPartExamined": "body_part",
    "PhotometricInterpretation": "photometric",
    "BitsStored": "bits_stored",
}


def is_dicom(data: bytes) -> bool:
    """By content: the preamble's mark, or a bare data set that begins with group 0008 or 0002."""
    if data[128:132] == b"DICM":
        return True
    kind = data[4:6]
    return (
        data[:2] in _FIRST_GROUP
        and data[2:4] in _FIRST_ELEMENT
        and ((kind.isalpha() and kind.isupper()) or data[6:8] == b"\0\0")
    )


def read(
    data: bytes, path: str, size: int, bounds: Bounds, frames: Literal["first", "all"]
) -> tuple[list[Picture], list[Refusal]]:
    """The first frame, or all of them. Raises Unreadable."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    # pydicom warns and logs of odd values, and may quote them: nothing of it reaches a terminal.
    logging.getLogger("pydicom").disabled = True
    _check_deflated(data, path, min(MOST_DEFLATED, bounds.max_bytes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        except InvalidDicomError:
            raise Unreadable("damaged", f"{path} begins like DICOM but can't be read.") from None
        except Exception:
            raise Unreadable("damaged", f"{path} is a damaged DICOM file.") from None
        return _frames(dataset, path, size, bounds, frames)


def _check_deflated(data: bytes, path: str, most: int) -> None:
    """A data set that is deflated as a whole is unfolded by pydicom without a bound."""
    if DEFLATED not in data[:1024] or data[128:132] != b"DICM":
        return
    start = 144 + int.from_bytes(data[140:144], "little")
    unfolding, waiting, unfolded = zlib.decompressobj(-zlib.MAX_WBITS), data[start:], 0
    with contextlib.suppress(zlib.error):
        while waiting and unfolded <= most:
            unfolded += len(unfolding.decompress(waiting, 1 << 20))
            waiting = unfolding.unconsumed_tail
    if unfolded > most:
        raise Unreadable("too_large", f"{path} unfolds to over {most:,} bytes.")


def _frames(
    dataset: Any, path: str, size: int, bounds: Bounds, frames: Literal["first", "all"]
) -> tuple[list[Picture], list[Refusal]]:
    if not any(k in dataset for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise Unreadable("no_pixels", f"{path} is a DICOM file without a picture.")
    try:
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        count = int(dataset.get("NumberOfFrames") or 1)
    except (AttributeError, TypeError, ValueError):
        raise Unreadable("damaged", f"{path} is a DICOM file that does not say its size.") from None
    check_pixels(columns, rows, path, bounds)
    if count > bounds.max_frames:
        raise Unreadable(
            "too_large", f"{path} has {count} frames; at most {bounds.max_frames} are read."
        )
    wanted = range(count if frames == "all" else 1)
    found, refused = [], []
    for number in wanted:
        page = number + 1 if count > 1 and frames == "all" else None
        try:
            found.append(_frame(dataset, number, path, size, page, count))
        except Unreadable as why:
            if page is None:
                raise
            refused.append(Refusal(path, why.reason, why.message, page))
    if not found:
        raise Unreadable(refused[0].reason, refused[0].message)
    return found, refused


def _frame(
    dataset: Any, number: int, path: str, size: int, page: int | None, count: int
) -> Picture:
    values = _decoded(dataset, number, path)
    try:
        eight = _as_shown(values, dataset)
    except Exception:
        raise Unreadable("damaged", f"{path} holds a picture that can't be shown.") from None
    technical: dict[str, Attribute] = {"frames": count}
    for keyword, name in _TECHNICAL.items():
        value = dataset.get(keyword)
        if isinstance(value, int | str) and value != "":
            technical[name] = value if isinstance(value, int) else str(value)[:32]
    return Picture(
        pixels=pixels(bounded(Image.fromarray(eight), size)),
        width=int(eight.shape[1]),
        height=int(eight.shape[0]),
        format="DICOM",
        page=page,
        metadata=technical,
    )


def _decoded(dataset: Any, number: int, path: str) -> np.ndarray:
    """The stored values of one frame, (h, w) or (h, w, 3), by the first decoder that can."""
    from pydicom.pixels.decoders.base import get_decoder

    syntax = _syntax(dataset)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise Unreadable(
            "unsupported", f"{path} is kept as {syntax.name}, which holds no still pictures."
        ) from None
    if not syntax.is_compressed or syntax.is_deflated:
        names: tuple[str, ...] = ("",)
    else:
        names = tuple(name for name in _DECODERS if name in decoder.available_plugins)
    for name in names:
        if name in _TRUSTING and not _frame_fits(dataset, number):
            continue
        try:
            return np.asarray(decoder.as_array(dataset, index=number, decoding_plugin=name)[0])
        except MemoryError:
            raise Unreadable("too_large", f"{path} needs more memory than there is.") from None
        except Exception:
            continue
    lacking = decoder.missing_dependencies
    if syntax in _NEEDS_EXTRA and lacking:
        raise Unreadable(
            "unsupported",
            f"{path} is compressed as {syntax.name}; `pip install 'mediclip-index[dicom]'` to "
            "have it read.",
        )
    if not names:
        raise Unreadable("unsupported", f"{path} is compressed as {syntax.name}.")
    raise Unreadable("damaged", f"{path} is a DICOM file whose picture can't be decoded.")


def _frame_fits(dataset: Any, number: int) -> bool:
    """Whether a JPEG or JPEG-LS frame says of itself what the data set says of it: GDCM makes room
    by the one and fills it by the other, and ends the whole process where they differ."""
    from pydicom.encaps import get_frame

    try:
        count = int(dataset.get("NumberOfFrames") or 1)
        frame = get_frame(dataset.PixelData, number, number_of_frames=count)
        place = 2
        while frame[:2] == b"\xff\xd8" and place + 10 < len(frame):
            mark = frame[place + 1]
            if frame[place] == 0xFF and mark in _START_OF_FRAME:
                rows = int.from_bytes(frame[place + 5 : place + 7], "big")
                columns = int.from_bytes(frame[place + 7 : place + 9], "big")
                samples = frame[place + 9]
                said = (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
                return (rows, columns, samples) == said
            place += 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    except Exception:
        return False
    return frame[:2] != b"\xff\xd8"  # JPEG 2000 begins otherwise


def _syntax(dataset: Any) -> Any:
    """How the pixels are kept; of a bare data set, what its first elements showed."""
    from pydicom import uid

    stated = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if stated is None:
        implicit, little = dataset.original_encoding
        if not little:
            stated = uid.ExplicitVRBigEndian
        else:
            stated = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
        if getattr(dataset, "file_meta", None) is None:
            dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = stated
    return stated


def _as_shown(values: np.ndarray, dataset: Any) -> np.ndarray:
    """(h, w) or (h, w, 3) uint8: modality rescale, then window or VOI table, then polarity."""
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut

    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        return _eight(apply_color_lut(values, dataset))
    if values.ndim == 3:
        # pixel_array has turned YBR into RGB already.
        return _eight(values)
    modality = apply_modality_lut(values, dataset)
    windowed = "WindowCenter" in dataset or "VOILUTSequence" in dataset
    shown = (
        _scaled(apply_voi_lut(modality, dataset), modality)
        if windowed
        else (to_eight_bits(modality))
    )
    return 255 - shown if photometric == "MONOCHROME1" else shown


def _scaled(shown: np.ndarray, before: np.ndarray) -> np.ndarray:
    """What a window gives, whole range to 0..255; a window that hides all falls back."""
    low, high = float(shown.min()), float(shown.max())
    if high <= low:
        return to_eight_bits(before)
    return np.asarray(np.rint((shown - low) * (255.0 / (high - low))), dtype=np.uint8)


def _eight(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    top = float(values.max()) or 1.0
    return np.asarray(np.rint(values.astype(np.float32) * (255.0 / top)), dtype=np.uint8)
