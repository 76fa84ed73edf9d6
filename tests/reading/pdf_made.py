"""PDFs made by code, a kind each: what one page may do to a picture, and how many it then shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from tests.reading import pdf_parts as parts
from tests.reading.pdf_parts import HIGH, WIDE, document, drawn, face, form, grey, grey_face, rgb

AT = "320 0 0 240 40 30"  # the matrix that most pictures are drawn with
TURNED = "q 277.1 160 -104 180.1 110 20 cm /I Do Q"  # by 30 degrees
GROUND = b"0.9 0.8 0.6 rg 20 15 360 270 re f 0 g "


@dataclass(frozen=True)
class Made:
    """name, the file's bytes, how many pictures it shows, and whether each is the face, upright."""

    name: str
    make: Callable[[], bytes]
    pictures: int = 1
    face: bool = False


# --- where and how it is drawn ------------------------------------------------------------------


def on_page(key: str, value: Any, matrix: str = AT, **more: Any) -> Callable[[], bytes]:
    def prepare(_: Pdf, page: Any) -> None:
        page[f"/{key}"] = Array(value) if isinstance(value, list) else value
        for name, other in more.items():
            page[f"/{name}"] = Array(other) if isinstance(other, list) else other

    return drawn(rgb(), matrix, prepare=prepare)


PLACES = [
    Made("upright", drawn(rgb()), face=True),
    Made("flipped", drawn(rgb(face()[::-1]), "320 0 0 -240 40 270"), face=True),
    Made("mirrored", drawn(rgb(face()[:, ::-1]), "-320 0 0 240 360 30"), face=True),
    Made("turned by 90", drawn(rgb(np.rot90(face(), -1)), "0 240 -320 0 360 30"), face=True),
    Made("turned by 180", drawn(rgb(face()[::-1, ::-1]), "-320 0 0 -240 360 270"), face=True),
    Made("turned by 270", drawn(rgb(np.rot90(face())), "0 -240 320 0 40 270"), face=True),
    Made("transposed", drawn(rgb(), "0 240 320 0 40 30")),
    Made("turned by 30", document(TURNED.encode(), xobjects={"I": rgb()})),
    Made("skewed", drawn(rgb(), "260 0 90 220 20 40")),
    Made("out of proportion", drawn(rgb(), "360 0 0 90 20 100"), face=True),
    Made("small", drawn(rgb(), "24 0 0 18 100.3 100.7"), face=True),
    Made("beyond the edge", drawn(rgb(), "600 0 0 450 -200 -150")),
    Made("fine print", drawn(grey(255 - parts.print_mask(1203, 901)),
                             "311.3 0 0 233.15 41.73 31.91")),
    Made("off the page", drawn(rgb(), "100 0 0 80 500 500"), 0),
    Made("twice, large and small", document(
        b"q 200 0 0 150 10 100 cm /I Do Q q 80 0 0 60 280 20 cm /J Do Q",
        xobjects={"I": rgb(), "J": rgb(face(64, 48))}), 2, True),
    Made("a page turned by 90", on_page("Rotate", 90)),
    Made("a page turned by 180", on_page("Rotate", 180)),
    Made("a page turned by 270", on_page("Rotate", -90)),
    Made("a page that begins elsewhere", on_page("MediaBox", [-100, -50, 300, 250],
                                                "240 0 0 180 -60 0"), face=True),
    Made("a page named from its other corner", on_page("MediaBox", [400, 300, 0, 0]), face=True),
    Made("a cropped page", on_page("CropBox", [100, 60, 390, 290])),
    Made("a cropped and turned page", on_page("CropBox", [100, 60, 390, 290], Rotate=270)),
]  # fmt: skip


# --- masks --------------------------------------------------------------------------------------


def soft(values: Any = None, **more: Any) -> Any:
    return grey(parts.disc() if values is None else values, **more)


def _luminosity(pdf: Pdf) -> Any:
    group = form(b"q 320 0 0 240 40 30 cm /M Do Q", [0, 0, 400, 300], xobjects={"M": soft()},
                 Group=Dictionary(S=Name.Transparency, CS=Name.DeviceGray))  # fmt: skip
    return Dictionary(SMask=Dictionary(S=Name.Luminosity, G=pdf.make_indirect(group(pdf))))


BLACK = np.zeros((HIGH, WIDE), dtype=np.uint8)
MASKS = [
    Made("a soft mask", drawn(rgb(SMask=soft()))),
    Made("a soft mask that is finer", drawn(rgb(SMask=soft(parts.disc(300, 225))))),
    Made("a soft mask that is inverted", drawn(rgb(SMask=soft(255 - parts.disc(),
                                                              Decode=Array([1, 0]))))),
    Made("ink in a soft mask", drawn(grey(BLACK, SMask=grey(255 - grey_face())))),
    Made("ink in a soft mask, base of one pixel",
         drawn(grey(BLACK[:1, :1], SMask=grey(255 - grey_face())))),
    Made("a soft mask over a ground", drawn(rgb(SMask=soft()), before=GROUND)),
    Made("a soft mask of a state", document(b"q /S gs " + AT.encode() + b" cm /I Do Q",
         xobjects={"I": rgb()}, states={"S": _luminosity})),
    Made("a stencil", drawn(rgb(Mask=parts.stencil(255 - parts.disc())))),
    Made("a stencil that is inverted",
         drawn(rgb(Mask=parts.stencil(parts.disc(), Decode=Array([1, 0]))))),
    Made("a colour key", drawn(grey(np.where(parts.disc() > 0, grey_face(), 255),
                                    Mask=Array([250, 255])), before=GROUND)),
    Made("an image mask", drawn(parts.stencil(parts.print_mask()))),
    Made("an image mask of the other polarity",
         drawn(parts.stencil(parts.print_mask(), Decode=Array([1, 0])))),
    Made("an image mask in red", drawn(parts.stencil(parts.print_mask()), before=b"0.8 0 0 rg")),
    Made("an image mask over a ground", drawn(parts.stencil(parts.disc()), before=GROUND)),
    Made("half transparent", document(b"/S gs q " + AT.encode() + b" cm /I Do Q",
         xobjects={"I": rgb()}, states={"S": Dictionary(ca=0.5)})),
    Made("multiplied with a ground", document(GROUND + b"/S gs q " + AT.encode() + b" cm /I Do Q",
         xobjects={"I": rgb()}, states={"S": Dictionary(BM=Name.Multiply)})),
    Made("screened over a ground", document(GROUND + b"/S gs q " + AT.encode() + b" cm /I Do Q",
         xobjects={"I": rgb()}, states={"S": Dictionary(BM=Name.Screen)})),
]  # fmt: skip


# --- colours, filters and depths ----------------------------------------------------------------


def _icc(pdf: Pdf) -> Any:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return Array([Name.ICCBased, pdf.make_indirect(Stream(pdf, profile, N=3))])


def _spot(pdf: Pdf) -> Any:
    tint = Dictionary(FunctionType=2, Domain=[0, 1], C0=[0, 0, 0, 0], C1=[0.1, 0.9, 0.2, 0], N=1)
    return Array([Name.Separation, Name.Spot, Name.DeviceCMYK, tint])


def _indexed(values: Any, bits: int) -> Callable[[], bytes]:
    colours = np.random.default_rng(7).integers(0, 255, (1 << bits, 3), dtype=np.uint8)
    space = Array(
        [Name.Indexed, Name.DeviceRGB, (1 << bits) - 1, pikepdf.String(colours.tobytes())]
    )
    made = parts.packed(values >> (8 - bits), bits)
    return drawn(parts.image(made, WIDE, HIGH, lambda _: space, bits))


CALIBRATED = {
    "/WhitePoint": Array([0.9505, 1, 1.089]),
    "/Gamma": Array([2.2, 2.2, 2.2]),
    "/Matrix": Array([0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505]),
}
LAB = {"/WhitePoint": Array([0.9505, 1, 1.089]), "/Range": Array([-100, 100, -100, 100])}
BILEVEL = parts.print_mask()
CMYK = Image.fromarray(face()).convert("CMYK")
SPACES = [
    Made("grey", drawn(grey())),
    Made("grey, inverted", drawn(grey(255 - grey_face(), Decode=Array([1, 0])))),
    *(Made(f"grey of {bits} bits", drawn(parts.image(
        parts.packed(grey_face() >> (8 - bits), bits), WIDE, HIGH, Name.DeviceGray, bits)))
      for bits in (1, 2, 4)),
    Made("grey of 16 bits", drawn(parts.image(
        (grey_face().astype(">u2") * 257).tobytes(), WIDE, HIGH, Name.DeviceGray, 16))),
    Made("colour, inverted", drawn(rgb(255 - face(), Decode=Array([1, 0, 1, 0, 1, 0]))), face=True),
    Made("one channel inverted", drawn(rgb(Decode=Array([1, 0, 0, 1, 0, 1])))),
    *(Made(f"{1 << bits} colours of a table", _indexed(grey_face(), bits)) for bits in (1, 4, 8)),
    Made("CMYK", drawn(parts.image(CMYK.tobytes(), WIDE, HIGH, Name.DeviceCMYK))),
    Made("calibrated colour", drawn(parts.image(face().tobytes(), WIDE, HIGH,
         lambda _: Array([Name.CalRGB, Dictionary(CALIBRATED)])))),
    Made("Lab", drawn(parts.image(face().tobytes(), WIDE, HIGH,
         lambda _: Array([Name.Lab, Dictionary(LAB)]),
         Decode=Array([0, 100, -100, 100, -100, 100])))),
    Made("a profile", drawn(parts.image(face().tobytes(), WIDE, HIGH, _icc)), face=True),
    Made("a spot colour", drawn(parts.image(grey_face().tobytes(), WIDE, HIGH, _spot))),
    Made("JPEG", drawn(parts.image(parts.encoded("JPEG", "RGB", quality=90), WIDE, HIGH,
                                   Name.DeviceRGB, Filter=Name.DCTDecode)), face=True),
    Made("JPEG in grey", drawn(parts.image(parts.encoded("JPEG", "L"), WIDE, HIGH,
                                           Name.DeviceGray, Filter=Name.DCTDecode))),
    Made("JPEG in CMYK", drawn(parts.image(parts.encoded("JPEG", "CMYK"), WIDE, HIGH,
         Name.DeviceCMYK, Filter=Name.DCTDecode, Decode=Array([1, 0] * 4)))),
    Made("JPEG 2000", drawn(parts.image(parts.encoded("JPEG2000", "RGB"), WIDE, HIGH, None,
                                        Filter=Name.JPXDecode)), face=True),
    Made("JBIG2", drawn(parts.image(parts.jbig2(BILEVEL), WIDE, HIGH, Name.DeviceGray, 1,
                                    Filter=Name.JBIG2Decode))),
    *(Made(f"fax, {name}", drawn(parts.image(parts.fax(BILEVEL, "group4"), WIDE, HIGH,
           Name.DeviceGray, 1, Filter=Name.CCITTFaxDecode,
           DecodeParms=Dictionary(K=-1, Columns=WIDE, Rows=HIGH, BlackIs1=black))))
      for name, black in (("white is 1", False), ("black is 1", True))),
    Made("fax as a mask", drawn(parts.image(parts.fax(BILEVEL, "group4"), WIDE, HIGH, None, 1,
         ImageMask=True, Filter=Name.CCITTFaxDecode,
         DecodeParms=Dictionary(K=-1, Columns=WIDE, Rows=HIGH)))),
]  # fmt: skip


def _inline(head: bytes, data: bytes) -> Callable[[], bytes]:
    size = b" /W %d /H %d " % (WIDE, HIGH)
    shown = b" ID " + data.hex().encode() + b"> EI Q"
    return document(b"q " + AT.encode() + b" cm BI" + size + b"/F /AHx " + head + shown)


INLINE = [
    Made("inline", _inline(b"/CS /RGB /BPC 8", face().tobytes()), face=True),
    Made("inline, four colours of a table",
         _inline(b"/CS [/I /RGB 3 <ff0000 00c000 2020ff 101010>] /BPC 2",
                 parts.packed(grey_face() >> 6, 2))),
    Made("inline mask", _inline(b"/IM true /BPC 1", parts.packed((BILEVEL < 128) * 1, 1))),
]  # fmt: skip


# --- other writers --------------------------------------------------------------------------------


def _pillow() -> bytes:
    data = io.BytesIO()
    Image.fromarray(face()).save(data, "PDF", resolution=100)
    return data.getvalue()


def _reportlab(mode: str) -> Callable[[], bytes]:
    def make() -> bytes:
        from reportlab.lib.utils import ImageReader
        from reportlab.pdfgen.canvas import Canvas

        picture = Image.fromarray(face())
        if mode == "RGBA":
            picture.putalpha(Image.fromarray(parts.disc()))
        data = io.BytesIO()
        canvas = Canvas(data, pagesize=parts.PAGE)
        canvas.drawString(20, 280, "a figure")
        canvas.drawImage(ImageReader(picture), 40, 30, 320, 240, mask="auto")
        canvas.showPage()
        canvas.save()
        return data.getvalue()

    return make


def by_hand() -> bytes:
    """Without a table of places, as the simplest of writers might."""
    data = face().tobytes()
    head = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8"
    size = b"/Width %d/Height %d/Length %d" % (WIDE, HIGH, len(data))
    show = b"q " + AT.encode() + b" cm /I Do Q"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n" % len(show) + show + b"\nendstream",
        b"<<" + head + size + b">>\nstream\n" + data + b"\nendstream",
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, o) for n, o in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer\n<</Size 6/Root 1 0 R>>\n%%EOF\n"


WRITERS = [
    Made("written by Pillow", _pillow, face=True),
    Made("written by ReportLab", _reportlab("RGB"), face=True),
    Made("written by ReportLab, with alpha", _reportlab("RGBA")),
    Made("written by hand", by_hand, face=True),
]

ALL = [*PLACES, *MASKS, *SPACES, *INLINE, *WRITERS]
