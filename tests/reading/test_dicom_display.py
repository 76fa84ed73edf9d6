# ruff: noqa: E501 - the tables have a row a line
"""A table of DICOM files, each odd in one way, with what a person sees on each.

The face is four grey quarters: 230, 80, 150 and 20 of 255. `plain` is the face as it is, `wide` the
face between black and white, as where no window is stated; `-` before either is its negative. The
last column says whether dcmtk's viewer, where it is on the PATH, must show the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mediclip_index import reading
from tests.reading import dicom_made as made
from tests.reading.conftest import displays
from tests.reading.dicom_made import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    Scan,
    colour,
    grey,
    lut,
    rescaled,
    windowed,
)
from tests.reading.dicom_odd import (
    FRAME_VOI,
    MODALITY,
    PER_FRAME,
    PHOTOMETRIC,
    SHAPE,
    SHARED,
    VOI,
    bare,
    float_padding,
    floats,
    four,
    full,
    grouped,
    hot,
    junk,
    padded,
    paletted,
    segmented,
    segmented_bytes,
    single_bits,
    supplemented,
    tables,
    twelve_packed,
    windowless_signed,
    with_overlay,
)

PLAIN = made.QUARTERS
WIDE = tuple((shade - 20) * 255 / 210 for shade in PLAIN)
SHADES = 5.0

ALL = range(4096)


SIGMOID_SEEN = tuple(255 / (1 + np.exp(-4 * (s / 255 * 4095 - 2048) / 4096)) for s in PLAIN)
FRACTIONS_SEEN = tuple(min(255, shade * 4.095 / 3.095) for shade in PLAIN)  # width - 1
INVERTED = tuple(reversed(ALL))

Row = tuple[str, Callable[[], Scan], object, bool]
ROWS: list[Row] = [
    # windows
    ("window", lambda: full(grey()), "plain", True),
    ("window, 8 bits", lambda: windowed(grey(8), 128, 256), "plain", True),
    ("window, 16 bits", lambda: windowed(grey(16), 32768, 65536), "plain", True),
    ("window, signed", lambda: windowed(grey(12, signed=True), 0, 4096), "plain", True),
    ("window, two values", lambda: windowed(grey(), [2048, 100], [4096, 10]), "plain", True),
    ("window, more centers", lambda: windowed(grey(), [2048, 1, 2], 4096), "plain", True),
    ("window, first of no use", lambda: windowed(grey(), [5, 2048], [0, 4096]), "plain", False),
    ("window that hides", lambda: windowed(grey(), 60000, 10), "wide", False),
    ("window that hides, then one", lambda: windowed(grey(), [60000, 2048], [9, 4096]), "plain", False),
    ("width 0", lambda: windowed(grey(), 2048, 0), "wide", True),
    ("width negative", lambda: windowed(grey(), 2048, -4096), "wide", True),
    ("width below 1", lambda: windowed(rescaled(grey(), 1 / 4095, 0), 0.5, 1.0 - 1e-9), "plain", False),
    ("width 1", lambda: windowed(grey(), 2048, 1), (255, 0, 255, 0), True),
    ("width of fractions", lambda: windowed(rescaled(grey(), 0.001, 0), 2.0475, 4.095), FRACTIONS_SEEN, False),
    ("window empty", lambda: windowed(grey(), "", ""), "wide", True),
    ("window empty, hot pixel", lambda: hot(windowed(grey(16, top=4000), "", "")), "wide", False),
    ("window without a width", lambda: windowed(grey(), 2048, ""), "wide", True),
    ("window NaN", lambda: windowed(grey(), "NaN", "NaN"), "wide", False),
    ("window infinite", lambda: windowed(grey(), "1e999", "1e999"), "wide", False),
    ("window of words", lambda: windowed(grey(), "BRAIN", "WIDE"), "wide", False),
    ("window with a comma", lambda: windowed(grey(), "2048,0", "4096,0"), "plain", False),
    ("window with blanks", lambda: windowed(grey(), " 2048 ", " 4.096e3"), "plain", True),
    ("function LINEAR", lambda: windowed(grey(), 2048, 4096, "LINEAR"), "plain", True),
    ("function LINEAR_EXACT", lambda: windowed(grey(), 2047.5, 4095, "LINEAR_EXACT"), "plain", True),
    ("function SIGMOID", lambda: windowed(grey(), 2048, 4096, "SIGMOID"), SIGMOID_SEEN, True),
    ("function empty", lambda: windowed(grey(), 2048, 4096, ""), "plain", True),
    ("function unknown", lambda: windowed(grey(), 2048, 4096, "LOG"), "plain", True),
    ("function in small letters", lambda: windowed(grey(), 2048, 4096, "sigmoid"), SIGMOID_SEEN, False),
    ("no window", grey, "wide", True),
    ("no window, hot pixel", lambda: hot(grey(16, top=4000)), "wide", False),
    # rescale
    ("rescale", lambda: windowed(rescaled(grey(), 1, -1024), 1024, 4096), "plain", True),
    ("rescale, fraction", lambda: windowed(rescaled(grey(), 0.5, 0), 1024, 2048), "plain", True),
    ("rescale, empty", lambda: full(rescaled(grey(), "", "")), "plain", True),
    ("rescale, slope 0", lambda: full(rescaled(grey(), 0, 5)), "plain", False),
    ("rescale, NaN", lambda: full(rescaled(grey(), "NaN", 0)), "plain", False),
    ("rescale, two values", lambda: full(rescaled(grey(), [1, 7], [0, 9])), "plain", True),
    ("rescale, slope only", lambda: windowed(grey().set((0x00281053, "DS", 2)), 4096, 8192), "plain", False),
    ("rescale, intercept only", lambda: windowed(grey().set((0x00281052, "DS", 9)), 2057, 4096), "plain", False),
    ("rescale, comma", lambda: windowed(rescaled(grey(), "0,5", "0,0"), 1024, 2048), "plain", False),
    ("negative slope, window", lambda: windowed(rescaled(grey(), -1, 4095), 2048, 4096), "-plain", True),
    ("negative slope, none", lambda: rescaled(grey(), -10, 3000), "-wide", True),
    ("negative slope, one only", lambda: windowed(rescaled(grey(8), -10, 3000), 1725, 2550), "-plain", True),
    # modality tables
    ("modality table", lambda: full(tables(grey(), MODALITY, lut(ALL))), "plain", True),
    ("modality table, 12 bits", lambda: full(tables(grey(), MODALITY, lut(ALL, bits=12))), "plain", True),
    ("modality table, turned", lambda: full(tables(grey(), MODALITY, lut(INVERTED))), "-plain", True),
    ("modality table, US", lambda: full(tables(grey(), MODALITY, lut(ALL, kind="US"))), "plain", True),
    ("modality table, signed", lambda: full(tables(grey(12, signed=True), MODALITY, lut(ALL, -2048, signed=True))), "plain", True),
    ("modality table, signed as US", lambda: full(tables(grey(12, signed=True), MODALITY, lut(ALL, 63488))), "plain", True),
    ("modality table, 8 bits packed", lambda: windowed(tables(grey(8), MODALITY, lut(range(256), bits=8, packed=True)), 128, 256), "plain", True),
    ("modality table, too long", lambda: full(tables(grey(), MODALITY, lut(range(5000), count=4096))), "plain", False),
    ("modality table, too short", lambda: full(tables(grey(), MODALITY, lut(range(4000), count=4096))), "plain", True),
    ("modality table, empty item", lambda: full(tables(grey(), MODALITY, {})), "plain", False),
    ("modality table, no item", lambda: full(tables(grey(), MODALITY)), "plain", True),
    ("modality table, empty values", lambda: full(tables(grey(), MODALITY, {0x00283002: ("US", b""), 0x00283006: ("US", b"")})), "plain", False),
    ("modality table, no data", lambda: full(tables(grey(), MODALITY, {0x00283002: ("US", [4096, 0, 16])})), "plain", False),
    ("modality table, half a descriptor", lambda: full(tables(grey(), MODALITY, {**lut(ALL), 0x00283002: ("US", [4096])})), "plain", False),
    # VOI tables
    ("VOI table", lambda: tables(grey(), VOI, lut([v * 16 for v in ALL])), "plain", True),
    ("VOI table, 12 bits", lambda: tables(grey(), VOI, lut(ALL, bits=12)), "plain", True),
    ("VOI table, 12 bits said 16", lambda: tables(grey(), VOI, lut(ALL, bits=16)), "plain", False),
    ("VOI table, 8 bits said 16", lambda: tables(grey(), VOI, lut([v >> 4 for v in ALL])), "plain", False),
    ("VOI table, 16 bits said 8", lambda: tables(grey(), VOI, lut([v * 16 for v in ALL], bits=8)), "plain", False),
    ("VOI table, bits 0", lambda: tables(grey(), VOI, lut(ALL, bits=0)), "plain", True),
    ("VOI table, 8 bits a word", lambda: tables(grey(8), VOI, lut(range(256), bits=8)), "plain", True),
    ("VOI table, 8 bits packed", lambda: tables(grey(8), VOI, lut(range(256), bits=8, packed=True)), "plain", True),
    ("VOI table, turned", lambda: tables(grey(), VOI, lut(INVERTED, bits=12)), "-plain", True),
    ("VOI table, 65536 entries", lambda: tables(grey(16), VOI, lut(range(65536))), "plain", True),
    ("VOI table, signed", lambda: tables(grey(12, signed=True), VOI, lut(ALL, -2048, 12, signed=True)), "plain", True),
    ("VOI table, after rescale", lambda: tables(rescaled(grey(), 1, -1024), VOI, lut(ALL, -1024, 12, signed=True)), "plain", True),
    ("VOI table, of one value", lambda: tables(full(grey()), VOI, lut([7] * 4096, bits=12)), "plain", False),
    ("VOI table, empty item", lambda: tables(full(grey()), VOI, {}), "plain", True),
    ("VOI table, no item", lambda: tables(full(grey()), VOI), "plain", True),
    ("VOI table, second of use", lambda: tables(grey(), VOI, {}, lut(ALL, bits=12)), "plain", False),
    ("VOI table, big-endian", lambda: tables(grey(syntax=BIG), VOI, {0x00283002: ("US", [4096, 0, 12]), 0x00283006: ("OW", list(ALL))}), "plain", True),
    ("VOI table, implicit", lambda: tables(grey(syntax=IMPLICIT), VOI, lut(ALL, bits=12)), "plain", True),
    # functional groups
    ("groups, shared", lambda: grouped(grey(), SHARED, voi=(1024, 4096), line=(1, -1024)), "plain", False),
    ("groups, of the frame", lambda: grouped(grey(), PER_FRAME, voi=(1024, 4096), line=(1, -1024)), "plain", False),
    ("groups, both", lambda: grouped(grouped(grey(), SHARED, voi=(5, 1), line=(1, 0)), PER_FRAME, voi=(2048, 4096), line=(1, 0)), "plain", False),
    ("groups, empty", lambda: full(grey()).set((SHARED, "SQ", [{}]), (PER_FRAME, "SQ", [{FRAME_VOI: ("SQ", [{}])}])), "plain", True),
    # padding
    ("padding, signed", lambda: padded(-32768, signed=True), "wide", False),
    ("padding, unsigned", lambda: padded(65535, signed=False), "wide", False),
    ("padding, zero", lambda: padded(0, signed=False), "wide", False),
    ("padding, a range", lambda: padded(-32768, signed=True, limit=-20000, rest=-25000), "wide", False),
    ("padding, a range turned", lambda: padded(65535, signed=False, limit=60000, rest=62000), "wide", False),
    ("padding said unsigned", lambda: padded(-32768, signed=True).set((0x00280120, "US", 0x8000)), "wide", False),
    ("padding said signed", lambda: padded(65535, signed=False).set((0x00280120, "SS", -1)), "wide", False),
    ("padding of 12 bits said unsigned", lambda: windowless_signed(), "wide", False),
    ("padding, empty", lambda: full(grey()).set((0x00280120, "US", b"")), "plain", True),
    ("padding is everything", lambda: full(grey()).set((0x00280120, "US", 0), (0x00280121, "US", 65535)), "plain", True),
    ("padding, floats", lambda: float_padding(32), "wide", False),
    ("padding, doubles", lambda: float_padding(64), "wide", False),
    # polarity
    ("MONOCHROME1", lambda: full(grey()).set((PHOTOMETRIC, "CS", "MONOCHROME1")), "-plain", True),
    ("MONOCHROME1, no window", lambda: grey().set((PHOTOMETRIC, "CS", "MONOCHROME1")), "-wide", True),
    ("MONOCHROME1, INVERSE", lambda: full(grey()).set((PHOTOMETRIC, "CS", "MONOCHROME1"), (SHAPE, "CS", "INVERSE")), "-plain", True),
    ("INVERSE", lambda: full(grey()).set((SHAPE, "CS", "INVERSE")), "-plain", True),
    ("IDENTITY", lambda: full(grey()).set((SHAPE, "CS", "IDENTITY")), "plain", True),
    ("MONOCHROME1, IDENTITY", lambda: full(grey()).set((PHOTOMETRIC, "CS", "MONOCHROME1"), (SHAPE, "CS", "IDENTITY")), "plain", True),
    ("shape unknown", lambda: full(grey()).set((SHAPE, "CS", "ROUND")), "plain", True),
    ("negative slope, MONOCHROME1", lambda: windowed(rescaled(grey(), -1, 4095), 2048, 4096).set((PHOTOMETRIC, "CS", "MONOCHROME1")), "plain", True),
    ("MONOCHROME 1, with a blank", lambda: full(grey()).set((PHOTOMETRIC, "CS", "MONOCHROME 1")), "-plain", False),
    ("monochrome1 in small letters", lambda: full(grey()).set((PHOTOMETRIC, "CS", "monochrome1")), "-plain", False),
    # depths
    ("8 bits signed", lambda: windowed(grey(8, signed=True), 0, 256), "plain", True),
    ("16 bits signed", lambda: windowed(grey(16, signed=True), 0, 65536), "plain", True),
    ("32 bits", lambda: grey(32), "wide", True),
    ("32 bits signed", lambda: grey(32, signed=True), "wide", True),
    ("32 bits, few used", lambda: grey(32, top=4000, low=70_000), "wide", True),
    ("32 bits, window", lambda: windowed(grey(32, top=4095), 2048, 4096), "plain", True),
    ("64 bits", lambda: grey(8).having(pixels=made.face(2**40).astype("<u8").tobytes()).set((0x00280100, "US", 64), (0x00280101, "US", 64)), "wide", False),
    ("10 bits in 16", lambda: windowed(grey(10), 512, 1024), "plain", True),
    ("high bit above", lambda: full(grey(12, high=15)), "plain", True),
    ("high bit below", lambda: full(grey(12)).set((0x00280102, "US", 3)), "plain", False),
    ("high bit missing", lambda: full(grey(12)).without(0x00280102), "plain", False),
    ("overlay in the high bits", with_overlay, "plain", True),
    ("12 bits packed", lambda: full(twelve_packed()), "plain", False),
    ("single bits", single_bits, (255, 0, 255, 0), True),
    ("float", lambda: floats(32, 1.0), "wide", False),
    ("float with holes", lambda: floats(32, 1.0, hole=True), "wide", False),
    ("double", lambda: floats(64, 1e12), "wide", False),
    ("float, window", lambda: windowed(floats(32, 1.0), 0.5, 1.0, "LINEAR_EXACT"), "plain", False),
    ("bits stored more than allocated", lambda: full(grey(12)).set((0x00280101, "US", 40)), "plain", False),
    ("bits missing", lambda: full(grey(12)).without(0x00280100, 0x00280101, 0x00280102).set((0x00280100, "US", 16)), "plain", False),
    ("8 bits said 16 allocated", lambda: windowed(grey(8), 128, 256).set((0x00280100, "US", 16)), "plain", False),
    ("16 bits said 8 allocated", lambda: full(grey(12)).set((0x00280100, "US", 8)), "plain", False),
    ("one sample said 3", lambda: windowed(grey(8), 128, 256).set((0x00280002, "US", 3)), "plain", False),
    # colour
    ("RGB", colour, "plain", True),
    ("RGB, planar", lambda: colour(planar=True), "plain", True),
    ("RGB, 16 bits", lambda: colour(16), "plain", True),
    ("RGB, 12 bits in 16", lambda: colour(12), "plain", True),
    ("RGB, 16 bits but dim", lambda: colour(16, top=4000), "wide", False),
    ("RGB in small letters", lambda: colour().set((PHOTOMETRIC, "CS", "rgb")), "plain", False),
    ("RGB said MONOCHROME2", lambda: colour().set((PHOTOMETRIC, "CS", "MONOCHROME2")), "plain", False),
    ("RGB without its photometric", lambda: colour().without(PHOTOMETRIC), "plain", False),
    ("RGB without samples", lambda: colour().without(0x00280002), "plain", False),
    ("RGB said 1 sample", lambda: colour().set((0x00280002, "US", 1)), "plain", False),
    ("RGBA", lambda: four("RGBA"), "plain", False),
    ("ARGB", lambda: four("ARGB"), "plain", False),
    ("CMYK", lambda: four("CMYK"), "plain", False),
    ("YBR_FULL", lambda: colour(photometric="YBR_FULL"), "plain", True),
    ("YBR_FULL, planar", lambda: colour(photometric="YBR_FULL", planar=True), "plain", True),
    ("YBR_FULL_422", lambda: colour(photometric="YBR_FULL_422"), "plain", True),
    ("YBR_FULL said _422", lambda: colour(photometric="YBR_FULL").set((PHOTOMETRIC, "CS", "YBR_FULL_422")), "plain", False),
    ("YBR_PARTIAL_422", lambda: colour(photometric="YBR_PARTIAL_422"), "plain", True),
    ("PALETTE_COLOR", lambda: paletted(16, 16).set((PHOTOMETRIC, "CS", "palette_color")), "plain", False),
    ("palette of signed indices", lambda: paletted(16, 16).set((0x00280103, "US", 1)), "plain", True),
    ("palette, 16 bits", lambda: paletted(16, 16), "plain", True),
    ("palette, 8 bits packed", lambda: paletted(8, 8, packed=True), "plain", True),
    ("palette, 8 bits a word", lambda: paletted(8, 8), "plain", True),
    ("palette, 8 bits said 16", lambda: paletted(8, 16), "plain", False),
    ("palette, 16 bits said 8", lambda: paletted(16, 8), "plain", False),
    ("palette, from 100 on", lambda: paletted(16, 16, first=100), "plain", True),
    ("palette, segmented", segmented, "plain", False),
    ("palette, segmented bytes", lambda: segmented_bytes(), "plain", False),
    ("palette, missing", lambda: grey(8).set((PHOTOMETRIC, "CS", "PALETTE COLOR")), "wide", False),
    ("palette of a grey picture", supplemented, "plain", True),
    # headers
    ("implicit", lambda: full(grey(syntax=IMPLICIT)), "plain", True),
    ("big-endian", lambda: full(grey(syntax=BIG)), "plain", True),
    ("big-endian, 8 bits", lambda: windowed(grey(8, syntax=BIG), 128, 256), "plain", True),
    ("deflated", lambda: full(grey(syntax=DEFLATED)), "plain", True),
    ("said implicit, is explicit", lambda: full(grey()).having(stated=IMPLICIT), "plain", False),
    ("said explicit, is implicit", lambda: full(grey(syntax=IMPLICIT)).having(stated=EXPLICIT), "plain", False),
    ("said JPEG, is native", lambda: full(grey()).having(stated=made.JPEG_70), "plain", False),
    ("said nothing", lambda: full(grey()).having(stated=" "), "plain", False),
    ("bare, explicit", lambda: bare(full(grey())), "plain", True),
    ("bare, implicit", lambda: bare(full(grey(syntax=IMPLICIT))), "plain", True),
    ("bare, big-endian", lambda: bare(full(grey(syntax=BIG))), "plain", False),
    ("bare, begins later", lambda: bare(full(grey()), 0x00080016), "plain", False),
    ("bare, image type first", lambda: bare(full(grey()).set((0x00080008, "CS", "ORIGINAL\\PRIMARY"))), "plain", True),
    ("meta header without preamble", lambda: full(grey()).having(preamble=False), "plain", True),
    ("preamble without its mark", lambda: full(grey()).having(preamble=False, nothing_before=128), "plain", False),
    ("bare, begins with the patient", lambda: bare(full(grey()), 0x00080016, 0x00080060).set((0x00100010, "PN", "DOE^JANE")), "plain", True),
    ("bare, begins with the picture", lambda: bare(full(grey()), 0x00080016, 0x00080060), "plain", True),
    ("bare, implicit, begins with the picture", lambda: bare(full(grey(syntax=IMPLICIT)), 0x00080016, 0x00080060), "plain", True),
    ("private junk", lambda: full(grey()).having(before=junk()), "plain", False),
    ("after the pixels", lambda: full(grey()).having(after=made.element(0xFFFCFFFC, "OB", bytes(64), "<", True)), "plain", True),
    ("zeros after the pixels", lambda: full(grey()).having(after=bytes(512)), "plain", False),
    ("nonsense after the pixels", lambda: full(grey()).having(after=b"\xde\xad\xbe\xef" * 9), "plain", False),
    ("no samples per pixel", lambda: full(grey()).without(0x00280002), "plain", False),
    ("no photometric", lambda: full(grey()).without(PHOTOMETRIC), "plain", False),
    ("photometric in small letters", lambda: full(grey()).set((PHOTOMETRIC, "CS", "monochrome2")), "plain", False),
    ("photometric unknown", lambda: full(grey()).set((PHOTOMETRIC, "CS", "GREY")), "plain", False),
    ("no pixel representation", lambda: full(grey()).without(0x00280103), "plain", False),
    ("rows as text", lambda: full(grey()).set((0x00280010, "IS", "48"), (0x00280011, "IS", "64")), "plain", False),
    ("rows as long numbers", lambda: full(grey()).set((0x00280010, "UL", 48), (0x00280011, "UL", 64)), "plain", False),
    ("pixels a little short", lambda: full(grey()).having(pixels=grey().pixels[:-64]), "plain", True),
    ("pixels too long", lambda: full(grey()).having(pixels=grey().pixels + bytes(500)), "plain", True),
    ("frames 0", lambda: full(grey()).set((0x00280008, "IS", 0)), "plain", True),
    ("frames empty", lambda: full(grey()).set((0x00280008, "IS", "")), "plain", True),
    ("frames of words", lambda: full(grey()).set((0x00280008, "IS", "ONE")), "plain", False),
    ("frames too many", lambda: full(grey()).set((0x00280008, "IS", 9)), "plain", False),
    ("native pixels in items", lambda: full(grey()).having(packed=True, pixels=made.encapsulated([grey().pixels])), "plain", False),
    ("native pixels of no length", lambda: full(grey()).having(packed=True), "plain", False),
    ("OB of 16 bits", lambda: full(grey()).having(pixel_kind="OB"), "plain", True),
    ("UN pixels", lambda: full(grey()).having(pixel_kind="UN"), "plain", False),
]  # fmt: skip


def expected(seen: object) -> tuple[float, ...]:
    if isinstance(seen, tuple):
        return seen
    named = {"plain": PLAIN, "wide": WIDE}[str(seen).lstrip("-")]
    return tuple(255 - shade if str(seen).startswith("-") else shade for shade in named)


@pytest.mark.parametrize(("row"), ROWS, ids=lambda row: row[0])
def test_a_file_shows_what_a_person_sees(row: Row) -> None:
    name, make, seen, _ = row
    picture = reading.read(make().data(), path="x", size=224).pictures[0]
    assert (picture.width, picture.height) == (made.COLUMNS, made.ROWS)
    off = np.abs(np.subtract(made.quarters(picture.pixels), expected(seen))).max()
    assert off <= SHADES, f"{name}: {made.quarters(picture.pixels)} for {expected(seen)}"


@pytest.mark.skipif(displays().viewer() is None, reason="no viewer of dcmtk is on the PATH")
@pytest.mark.parametrize(("row"), [row for row in ROWS if row[3]], ids=lambda row: row[0])
def test_a_file_shows_what_dcmtk_shows(row: Row) -> None:
    name, make, _, _ = row
    data = make().data()
    compared = displays()
    stated = compared.hint(data)
    theirs, _ = compared.seen(data, 1, stated)
    assert theirs is not None, f"dcmtk does not show {name}"
    mine = reading.read(data, path="x", size=0).pictures[0].pixels.astype(float).mean(axis=2) / 255
    result = compared.judged(name, mine, theirs, stated is not None, "")
    assert result.outcome == "alike", result
