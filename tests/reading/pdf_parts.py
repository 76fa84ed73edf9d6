"""What PDFs are made of, for tests: faces, ways to keep a picture, and pages that show them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

Values = npt.NDArray[np.uint8]
Maker = Callable[[Pdf], Any]

WIDE, HIGH = 96, 72  # pixels of a face
PAGE = (400, 300)  # points


def grey_face(wide: int = WIDE, high: int = HIGH) -> Values:
    """Four quarters of grey, each with a ramp, and a mark in the upper left: no way of turning it
    leaves it as it is."""
    across, down = np.meshgrid(np.linspace(0, 1, wide), np.linspace(0, 1, high))
    right, low = across >= 0.5, down >= 0.5
    quarters = np.select([~right & ~low, right & ~low, ~right & low], [220, 90, 150], 30)
    face = quarters + 20 * across - 10 * down
    face[(abs(across - 0.2) < 0.06) & (abs(down - 0.25) < 0.12)] = 10
    return np.asarray(np.clip(face, 0, 255), dtype=np.uint8)


def face(wide: int = WIDE, high: int = HIGH) -> Values:
    """The same in colour: red, green, blue and yellow, (high, wide, 3)."""
    across, down = np.meshgrid(np.linspace(0, 1, wide), np.linspace(0, 1, high))
    right, low = (across >= 0.5).astype(int), (down >= 0.5).astype(int)
    colours = np.array([[220, 40, 40], [40, 180, 60], [40, 60, 210], [230, 210, 50]])
    values = colours[right + 2 * low] + (25 * across - 12 * down)[..., None]
    values[(abs(across - 0.2) < 0.06) & (abs(down - 0.25) < 0.12)] = 10
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def disc(wide: int = WIDE, high: int = HIGH) -> Values:
    """255 in an ellipse, 0 around it."""
    across, down = np.meshgrid(np.linspace(-1, 1, wide), np.linspace(-1, 1, high))
    return np.where(across**2 + down**2 < 0.8, 255, 0).astype(np.uint8)


def print_mask(wide: int = WIDE, high: int = HIGH) -> Values:
    """255 where there are lines of print, 0 elsewhere."""
    down, across = np.mgrid[0:high, 0:wide]
    lines = (down % 12 < 5) & (across % 7 < 5) & (across > 8) & (across < wide - 20)
    return np.where(lines, 255, 0).astype(np.uint8)


def packed(values: npt.NDArray[Any], bits: int) -> bytes:
    """Values of so many bits, each row from a byte's beginning."""
    shifted = np.unpackbits(values[..., None].astype(np.uint8), axis=-1)[..., 8 - bits :]
    return np.packbits(shifted.reshape(values.shape[0], -1), axis=1).tobytes()


def image(data: bytes, wide: int, high: int, space: Any, bits: int = 8, **more: Any) -> Maker:
    """An image object; what in `more` is a function is made in the same file."""

    def make(pdf: Pdf) -> Any:
        made = Stream(pdf, data)
        made.Type, made.Subtype = Name.XObject, Name.Image
        made.Width, made.Height, made.BitsPerComponent = wide, high, bits
        if space is not None:
            made.ColorSpace = space(pdf) if callable(space) else space
        for key, value in more.items():
            made[f"/{key}"] = pdf.make_indirect(value(pdf)) if callable(value) else value
        return made

    return make


def grey(values: Values | None = None, **more: Any) -> Maker:
    values = grey_face() if values is None else values
    return image(values.tobytes(), values.shape[1], values.shape[0], Name.DeviceGray, **more)


def rgb(values: Values | None = None, **more: Any) -> Maker:
    values = face() if values is None else values
    return image(values.tobytes(), values.shape[1], values.shape[0], Name.DeviceRGB, **more)


def stencil(values: Values, **more: Any) -> Maker:
    """An image mask that paints where `values` are 255."""
    data = packed((values < 128).astype(np.uint8), 1)
    return image(data, values.shape[1], values.shape[0], None, 1, ImageMask=True, **more)


def encoded(kind: str, mode: str, **options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(face()).convert(mode).save(data, kind, **options)
    return data.getvalue()


def fax(values: Values, compression: str) -> bytes:
    """What libtiff makes of black and white, in one strip."""
    data = io.BytesIO()
    black = Image.fromarray(values).convert("1", dither=Image.Dither.NONE)
    # Row by row of the whole: a strip of its own each would begin anew.
    black.save(data, "TIFF", compression=compression, tiffinfo={278: black.height, 262: 0})
    kept = Image.open(io.BytesIO(data.getvalue()))
    start, length = kept.tag_v2[273][0], kept.tag_v2[279][0]  # type: ignore[attr-defined]
    return data.getvalue()[start : start + length]


def jbig2(values: Values) -> bytes:
    """Black and white as JBIG2: one generic region, coded as a fax is."""
    high, wide = values.shape
    page = struct.pack(">IIIIBH", wide, high, 0, 0, 0, 0)
    region = struct.pack(">IIIIB", wide, high, 0, 0, 0) + b"\x01" + fax(values, "group4")
    segments = [(0, 48, page), (1, 38, region)]
    return b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(body)) + body
        for number, kind, body in segments
    )


def form(content: bytes, box: list[float], **more: Any) -> Maker:
    """A form; `xobjects` are what it draws, as for a page."""

    def make(pdf: Pdf) -> Any:
        made = Stream(pdf, content)
        made.Type, made.Subtype, made.BBox = Name.XObject, Name.Form, Array(box)
        made.Resources = resources(pdf, more.get("xobjects", {}), more.get("states", {}))
        for key, value in more.items():
            if key not in ("xobjects", "states"):
                made[f"/{key}"] = pdf.make_indirect(value(pdf)) if callable(value) else value
        return made

    return make


def resources(pdf: Pdf, xobjects: Mapping[str, Maker], states: Mapping[str, Any]) -> Any:
    drawn = {f"/{name}": pdf.make_indirect(make(pdf)) for name, make in xobjects.items()}
    known = {f"/{name}": value(pdf) if callable(value) else value for name, value in states.items()}
    return Dictionary(XObject=Dictionary(drawn), ExtGState=Dictionary(known))


def page(pdf: Pdf, content: bytes, **more: Any) -> Any:
    """One more page. xobjects, states, patterns: by name. prepare: changes the page at last."""
    added = pdf.add_blank_page(page_size=more.get("size", PAGE))
    added.Contents = Stream(pdf, content)
    added.Resources = resources(pdf, more.get("xobjects", {}), more.get("states", {}))
    patterns = {f"/{n}": pdf.make_indirect(m(pdf)) for n, m in more.get("patterns", {}).items()}
    added.Resources.Pattern = Dictionary(patterns)
    added.Resources.Font = Dictionary(
        F=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    )
    if "prepare" in more:
        more["prepare"](pdf, added)
    return added


def saved(pdf: Pdf, **options: Any) -> bytes:
    data = io.BytesIO()
    pdf.save(data, **options)
    return data.getvalue()


def document(content: bytes, **more: Any) -> Callable[[], bytes]:
    """A file of one page."""

    def make() -> bytes:
        pdf = pikepdf.new()
        page(pdf, content, **more)
        return saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)

    return make


def drawn(make: Maker, matrix: str = "320 0 0 240 40 30", **more: Any) -> Callable[[], bytes]:
    """One picture on a page."""
    before, after = more.pop("before", b""), more.pop("after", b"")
    content = before + f" q {matrix} cm /I Do Q ".encode() + after
    return document(content, xobjects={"I": make, **more.pop("xobjects", {})}, **more)
