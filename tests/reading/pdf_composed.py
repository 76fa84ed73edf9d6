"""PDFs made by code: pictures cut into parts, laid over each other, hidden, or drawn by something
else than a page's content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from tests.reading import pdf_parts as parts
from tests.reading.pdf_made import AT, BLACK, Made
from tests.reading.pdf_parts import document, drawn, face, form, grey, grey_face, rgb

# --- cut into parts, and laid over each other ----------------------------------------------------


def pieces(
    columns: int, rows: int, across: str = "1 0 0 1 0 0", gap: float = 0.0, lap: float = 0.0
) -> Callable[[], bytes]:
    """A face of 320 x 240 cut into so many; `gap` points between them, or over each other."""
    values = face(320, 240)
    wide, high = 320 // columns, 240 // rows
    content, xobjects = f"q {across} cm ".encode(), {}
    for row in range(rows):
        for column in range(columns):
            name = f"I{row}x{column}"
            part = values[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
            xobjects[name] = rgb(np.ascontiguousarray(part))
            left, low = 40 + column * (wide + gap), 30 + (rows - 1 - row) * (high + gap)
            size = f"{wide + lap} 0 0 {high + lap}"
            content += f"q {size} {left} {low} cm /{name} Do Q ".encode()
    return document(content + b"Q", xobjects=xobjects)


def _print_tiles() -> bytes:
    """An image mask cut into tiles, the last ones smaller."""
    values, content, xobjects = parts.print_mask(320, 240), b"", {}
    for top in range(0, 240, 70):
        for left in range(0, 320, 70):
            part = np.ascontiguousarray(values[top : top + 70, left : left + 70])
            name = f"I{top}x{left}"
            xobjects[name] = parts.stencil(part)
            high, wide = part.shape
            at = f"{wide} 0 0 {high} {40 + left} {270 - top - high}"
            content += f"q {at} cm /{name} Do Q ".encode()
    return document(content, xobjects=xobjects)()


def _rounded(rows: int, scale: float) -> Callable[[], bytes]:
    """Strips of so many rows, whose places are rounded to whole points."""
    values, content, xobjects = face(640, 480), b"", {}
    for top in range(0, 480, rows):
        xobjects[f"I{top}"] = rgb(np.ascontiguousarray(values[top : top + rows]))
        first, last = round(top * scale), round((top + rows) * scale)
        at = f"{640 * scale} 0 0 {last - first} 40 {280 - last}"
        content += f"q {at} cm /I{top} Do Q ".encode()
    return document(content, xobjects=xobjects)


def _in_forms() -> bytes:
    values = face(320, 240)
    xobjects = {
        f"F{row}": form(b"q 320 0 0 40 0 0 cm /I Do Q", [0, 0, 320, 40],
                        xobjects={"I": rgb(values[row * 40 : row * 40 + 40])})
        for row in range(6)
    }  # fmt: skip
    content = b"".join(
        b"q 1 0 0 1 40 %d cm /F%d Do Q " % (30 + (5 - row) * 40, row) for row in range(6)
    )
    return document(content, xobjects=xobjects)()


def _panels(gap: float) -> Callable[[], bytes]:
    content = f"q 150 0 0 112.5 20 90 cm /I Do Q q 150 0 0 112.5 {170 + gap} 90 cm /J Do Q"
    return document(content.encode(), xobjects={"I": rgb(), "J": grey()})


PAPER = np.clip(np.random.default_rng(3).normal(235, 4, (75, 100, 3)), 0, 255).astype(np.uint8)
INK = parts.print_mask(400, 300)
FULL = "400 0 0 300 0 0"
TEXT = b" BT /F 24 Tf %d Tr 60 140 Td (over the picture) Tj ET "
PARTS = [
    Made("strips of 20 rows", pieces(1, 12), face=True),
    Made("strips of 60 rows", pieces(1, 4), face=True),
    Made("strips of two rows", pieces(1, 120), face=True),
    Made("columns", pieces(8, 1), face=True),
    Made("tiles", pieces(4, 4), face=True),
    Made("tiles with hair-lines between", pieces(4, 4, gap=0.2), face=True),
    Made("tiles over each other", pieces(4, 4, lap=0.6), face=True),
    Made("tiles of print", _print_tiles),
    Made("strips of 2 points, rounded to whole ones", _rounded(8, 0.24), face=True),
    Made("strips of 6 points, rounded to whole ones", _rounded(16, 0.36), face=True),
    Made("strips, turned by 90", pieces(1, 12, "0 0.8 -0.8 0 330 10")),
    Made("strips, turned by 2", pieces(1, 12, "0.9994 0.0349 -0.0349 0.9994 0 0")),
    Made("strips, a form each", _in_forms, face=True),
    Made("two beside each other", _panels(20), 2),
    Made("two that are nearly touching", _panels(3), 2),
    Made("a small one apart from a large one", document(
        b"q 240 0 0 180 20 100 cm /I Do Q q 50 0 0 50 330 20 cm /J Do Q",
        xobjects={"I": rgb(), "J": grey(parts.disc(50, 50))}), 2),
    Made("a mark upon it", drawn(rgb(), after=b"q 40 0 0 40 300 40 cm /J Do Q",
                                 xobjects={"J": grey(parts.disc(50, 50))})),
    Made("a scan of paper and ink in a mask",
         drawn(rgb(PAPER), FULL, after=b"0.1 g q 400 0 0 300 0 0 cm /J Do Q",
               xobjects={"J": parts.stencil(INK)})),
    Made("a scan of paper and ink under a soft mask",
         drawn(rgb(PAPER), FULL, after=b"q 400 0 0 300 0 0 cm /J Do Q",
               xobjects={"J": rgb(PAPER // 8, SMask=grey(INK))})),
    Made("a scan of paper and patches of ink",
         drawn(rgb(PAPER), FULL, after=b"q 300 0 0 60 40 200 cm /J Do Q q 200 0 0 60 40 90 cm "
               b"/K Do Q", xobjects={"J": parts.stencil(INK[:60, :300]),
                                     "K": parts.stencil(INK[:60, :200])})),
    Made("a scan with text that is not shown", drawn(grey(grey_face(600, 450)), FULL,
                                                     after=TEXT % 3)),
    Made("text over it", drawn(rgb(), after=TEXT % 0)),
    Made("a drawing over it", drawn(rgb(), after=b"8 w 1 0 1 RG 60 60 m 340 240 l S")),
    Made("a part of it covered", drawn(rgb(), after=b"1 g 200 30 160 240 re f")),
    Made("bullets and rules", document(
        b"q 8 0 0 8 20 200 cm /B Do Q q 8 0 0 8 20 170 cm /B Do Q q 300 0 0 2 40 100 cm /R Do Q",
        xobjects={"B": grey(parts.disc(16, 16)), "R": grey(BLACK[:2])}), 0),
]  # fmt: skip


# --- shown, hidden, and drawn by other things -----------------------------------------------------


def _layers(on: bool, by: str) -> Callable[[], bytes]:
    """A picture in a layer, which is said where it is drawn, by the picture, or by its form."""

    def make() -> bytes:
        pdf = pikepdf.new()
        layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=pikepdf.String("layer")))
        state = Dictionary(OFF=Array([] if on else [layer]))
        pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=state)
        where: dict[str, Any] = {"OC": lambda _: layer}
        at = f"q {AT} cm /I Do Q".encode()
        if by == "the picture":
            page = parts.page(pdf, at, xobjects={"I": rgb(**where)})
        elif by == "its form":
            made = form(at, [0, 0, 400, 300], xobjects={"I": rgb()}, **where)
            page = parts.page(pdf, b"/G Do", xobjects={"G": made})
        else:
            page = parts.page(pdf, b"/OC /L BDC " + at + b" EMC", xobjects={"I": rgb()})
        page.Resources.Properties = Dictionary(L=layer)
        return parts.saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)

    return make


def _pattern(content: bytes, step: list[float], **more: Any) -> Callable[[Pdf], Any]:
    def make(pdf: Pdf) -> Any:
        made = Stream(pdf, content)
        made.Type, made.PatternType, made.PaintType, made.TilingType = Name.Pattern, 1, 1, 1
        made.BBox, made.XStep, made.YStep = Array([0, 0, *step]), step[0], step[1]
        made.Matrix = Array([1, 0, 0, 1, 40, 30])
        made.Resources = parts.resources(pdf, more, {})
        return made

    return make


def _shading(_: Pdf) -> Any:
    blend = Dictionary(FunctionType=2, N=1, Domain=[0, 1], C0=[1, 0, 0], C1=[0, 0, 1])
    shading = Dictionary(ShadingType=2, ColorSpace=Name.DeviceRGB, Function=blend)
    shading.Coords = Array([0, 0, 400, 0])
    return Dictionary(PatternType=2, Shading=shading)


def _filled(pattern: Callable[[Pdf], Any]) -> Callable[[], bytes]:
    fill = b"/Pattern cs /P scn 40 30 320 240 re f"
    return document(fill, patterns={"P": pattern})


def stamp(
    flags: int = 4, nested: bool = False, subtype: str = "Stamp", **more: Any
) -> Callable[[], bytes]:
    def prepare(pdf: Pdf, page: Any) -> None:
        read = form(b"q 320 0 0 240 0 0 cm /I Do Q", [0, 0, 320, 240], xobjects={"I": rgb()})
        if nested:
            read = form(b"/G Do", [0, 0, 320, 240], xobjects={"G": read})
        note = Dictionary(Type=Name.Annot, Subtype=Name(f'/{subtype}'), F=flags,
                          Rect=Array([40, 30, 360, 270]),
                          AP=Dictionary(N=pdf.make_indirect(read(pdf))))  # fmt: skip
        page.Annots = Array([pdf.make_indirect(note)])
        for key, value in more.items():
            page[f"/{key}"] = value

    return document(b"", prepare=prepare)


def _marked(pdf: Pdf, page: Any) -> None:
    """A link with a frame, and a note that shows nothing."""
    page.Annots = Array([
        Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 20, 20])),
        Dictionary(Type=Name.Annot, Subtype=Name.Popup, Rect=Array([100, 100, 300, 200])),
    ])  # fmt: skip


def _field(read: Any, kind: Any, rect: list[int], **more: Any) -> Callable[[Pdf, Any], None]:
    """A field of a form, with its look."""

    def prepare(pdf: Pdf, page: Any) -> None:
        field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=kind, F=4, **more)
        field.T, field.Rect = pikepdf.String("f"), Array(rect)
        field.AP = Dictionary(N=pdf.make_indirect(read(pdf)))
        page.Annots = Array([pdf.make_indirect(field)])
        pdf.Root.AcroForm = Dictionary(Fields=Array([page.Annots[0]]))

    return prepare


WRITTEN = form(b"0.8 0 0 rg 0 0 120 60 re f 1 g 10 20 100 20 re f", [0, 0, 120, 60])
ICON = form(b"q 320 0 0 240 0 0 cm /I Do Q", [0, 0, 320, 240], xobjects={"I": rgb()})
INNER = form(b"q 160 0 0 120 0 0 cm /I Do Q", [0, 0, 160, 120], xobjects={"I": rgb()},
             Matrix=Array([1, 0, 0, 1, 10, 5]))  # fmt: skip
GROUP = {"Group": Dictionary(S=Name.Transparency, I=True)}
CLIPPED = b"q 100 80 150 120 re W n q " + AT.encode() + b" cm /I Do Q Q"
ROUND = (b"q 200 30 m 350 30 350 270 200 270 c 50 270 50 30 200 30 c W n q " + AT.encode()
         + b" cm /I Do Q Q")  # fmt: skip
OTHERS = [
    *(Made(f"in a layer that is {'shown' if on else 'hidden'}, said by {by}", _layers(on, by),
           int(on), on) for by in ("the page", "the picture", "its form") for on in (True, False)),
    Made("clipped to an area", document(CLIPPED, xobjects={"I": rgb()})),
    Made("clipped to a shape", document(ROUND, xobjects={"I": rgb()})),
    Made("clipped away", document(b"q 0 0 30 20 re W n " + AT.encode() + b" cm /I Do Q",
                                  xobjects={"I": rgb()}), 0),
    Made("in a form", document(b"q 2 0 0 2 20 20 cm /G Do Q", xobjects={"G": INNER}), face=True),
    Made("in a form in a form", document(b"q 2 0 0 2 20 20 cm /G Do Q", xobjects={"G": form(
        b"q 0.5 0 0 0.5 8 8 cm /H Do Q", [0, 0, 200, 200], xobjects={"H": INNER})}), face=True),
    Made("in a form that clips", document(b"q 2 0 0 2 20 20 cm /G Do Q", xobjects={"G": form(
        b"/H Do", [0, 0, 90, 70], xobjects={"H": INNER})})),
    Made("in a transparent group", document(b"/S gs /G Do", states={"S": Dictionary(ca=0.6)},
         xobjects={"G": form(f"q {AT} cm /I Do Q".encode(), [0, 0, 400, 300],
                             xobjects={"I": rgb()}, **GROUP)})),
    Made("a pattern of one picture", _filled(_pattern(b"q 320 0 0 240 0 0 cm /I Do Q", [320, 240],
                                                      I=rgb())), face=True),
    Made("a pattern of many pictures", _filled(_pattern(b"q 80 0 0 60 0 0 cm /I Do Q", [80, 60],
                                                        I=rgb()))),
    Made("a hatching", _filled(_pattern(b"0 0 m 10 10 l S", [10, 10])), 0),
    Made("a blend", _filled(_shading), 0),
    Made("a stamp", stamp(), face=True),
    Made("a stamp in forms", stamp(nested=True), face=True),
    Made("a stamp on a turned page", stamp(Rotate=90)),
    Made("a hidden stamp", stamp(flags=2), 0),
    Made("a field filled in over it", drawn(
        rgb(), prepare=_field(WRITTEN, Name.Tx, [100, 100, 220, 160], V=pikepdf.String("")))),
    Made("a picture on a button", document(
        b"", prepare=_field(ICON, Name.Btn, [40, 30, 360, 270], Ff=1 << 16)), face=True),
    Made("notes beside it", drawn(rgb(), prepare=_marked), face=True),
]  # fmt: skip

ALL = [*PARTS, *OTHERS]
