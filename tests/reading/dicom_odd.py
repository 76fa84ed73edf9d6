"""The faces of `dicom_made`, kept in odd ways."""

from __future__ import annotations

import numpy as np

from tests.reading import dicom_made as made
from tests.reading.dicom_made import Scan, colour, grey, lut, windowed

PLAIN = made.QUARTERS
MODALITY, VOI, SHAPE, PHOTOMETRIC = 0x00283000, 0x00283010, 0x20500020, 0x00280004
SHARED, PER_FRAME, FRAME_VOI, FRAME_VALUES = 0x52009229, 0x52009230, 0x00289132, 0x00289145


def full(scan: Scan) -> Scan:
    """With a window over all of 12 bits."""
    return windowed(scan, 2048, 4096)


def tables(scan: Scan, sequence: int, *items: made.Item) -> Scan:
    return scan.set((sequence, "SQ", list(items)))


def grouped(scan: Scan, group: int, *, voi: tuple[float, float], line: tuple[float, float]) -> Scan:
    item: made.Item = {
        FRAME_VOI: ("SQ", [{0x00281050: ("DS", voi[0]), 0x00281051: ("DS", voi[1])}]),
        FRAME_VALUES: ("SQ", [{0x00281052: ("DS", line[1]), 0x00281053: ("DS", line[0])}]),
    }
    return scan.set((group, "SQ", [item]))


def padded(value: int, *, signed: bool, limit: int | None = None, rest: int | None = None) -> Scan:
    """The face in a frame of padding, a fifth of the picture."""
    scan = grey(16, signed=signed, top=4000, low=100 if not signed else -1000)
    values = np.frombuffer(scan.pixels, "<i2" if signed else "<u2").reshape(48, 64).copy()
    values[:5] = values[-5:] = values[:, :6] = values[:, -6:] = value
    if rest is not None:
        values[:3] = rest
    kind = "SS" if signed else "US"
    scan = scan.having(pixels=values.tobytes()).set((0x00280120, kind, value))
    return scan if limit is None else scan.set((0x00280121, kind, limit))


def windowless_signed() -> Scan:
    """12 bits with a sign, padded by the least of them, which is written without it."""
    scan = grey(12, signed=True, top=900, low=100)
    values = np.frombuffer(scan.pixels, "<u2").reshape(48, 64).copy()
    values[:5] = values[:, :6] = 0x800
    return scan.having(pixels=values.tobytes()).set((0x00280120, "US", 0x800))


def floats(bits: int, top: float, *, hole: bool = False) -> Scan:
    values = made.face(4095).astype(f"<f{bits // 8}") / 4095 * top
    if hole:
        values[:2, :2] = np.nan
        values[2, 2] = np.inf
    kind = "OF" if bits == 32 else "OD"
    return grey(16).having(pixels=values.tobytes(), pixel_kind=kind).set((0x00280100, "US", bits))


def float_padding(bits: int) -> Scan:
    scan = floats(bits, 1.0)
    kind, name, tag = ("f4", "FL", 0x00280122) if bits == 32 else ("f8", "FD", 0x00280123)
    values = np.frombuffer(scan.pixels, kind).reshape(48, 64).copy()
    values[:5] = values[:, :6] = -3e9
    return scan.having(pixels=values.tobytes()).set((tag, name, -3e9))


def paletted(bits: int, described: int, *, packed: bool = False, first: int = 0) -> Scan:
    """Four indices; the palette says how bright each is."""
    scan = grey(8).set((PHOTOMETRIC, "CS", "PALETTE COLOR"))
    values = made.face(255)
    for index, shade in enumerate(PLAIN):
        values[values == shade] = index + first
    entries = [shade * ((1 << bits) - 1) // 255 for shade in PLAIN]
    item = lut(entries, first, described, packed=packed)
    for channel in (1, 2, 3):
        scan = scan.set(
            (0x00281100 + channel, *item[0x00283002]), (0x00281200 + channel, *item[0x00283006])
        )
    return scan.having(pixels=values.astype(np.uint8).tobytes())


def supplemented() -> Scan:
    """A grey picture that brings a palette for something else."""
    palette = paletted(16, 16).elements
    return full(grey()).set(*((t, *palette[t]) for t in palette if t >> 8 in (0x2811, 0x2812)))


def segmented() -> Scan:
    scan = paletted(16, 16).without(0x00281201, 0x00281202, 0x00281203)
    bright = [shade * 257 for shade in PLAIN]
    runs = np.array([0, 1, bright[0], 1, 1, bright[1], 0, 2, *bright[2:]], "<u2").tobytes()
    return scan.set(*((0x00281221 + channel, "OW", runs) for channel in range(3)))


def segmented_bytes() -> Scan:
    scan = paletted(8, 8).without(0x00281201, 0x00281202, 0x00281203)
    runs = bytes([0, 1, PLAIN[0], 1, 1, PLAIN[1], 0, 2, *PLAIN[2:]])
    return scan.set(*((0x00281221 + channel, "OW", runs) for channel in range(3)))


def four(photometric: str) -> Scan:
    """Four samples: one of them is not red, green or blue."""
    values = np.full((48, 64, 4), 99)
    if photometric == "CMYK":
        values[..., :3] = 0
        values[..., 3] = 255 - made.face(255)
    else:
        at = slice(1, 4) if photometric == "ARGB" else slice(0, 3)
        values[..., at] = made.face(255)[..., None]
    scan = colour().set((0x00280002, "US", 4), (PHOTOMETRIC, "CS", photometric))
    return scan.having(pixels=values.astype(np.uint8).tobytes())


def twelve_packed() -> Scan:
    values = made.face(4095).ravel()
    one, two = values[::2], values[1::2]
    packed = np.stack([one & 255, one >> 8 | (two & 15) << 4, two >> 4], axis=1).astype(np.uint8)
    return grey(12).set((0x00280100, "US", 12)).having(pixels=packed.tobytes())


def single_bits() -> Scan:
    bits = np.packbits(made.face(255).ravel() > 100, bitorder="little").tobytes()
    return grey(8).set((0x00280100, "US", 1), (0x00280101, "US", 1), (0x00280102, "US", 0)).having(
        pixels=bits
    )  # fmt: skip


def with_overlay() -> Scan:
    """Bits above the stored ones set everywhere, as an embedded overlay is."""
    scan = full(grey(12))
    values = np.frombuffer(scan.pixels, "<u2") | 0xF000
    return scan.having(pixels=values.astype("<u2").tobytes())


def hot(scan: Scan) -> Scan:
    values = np.frombuffer(scan.pixels, "<u2").copy()
    values[777] = 65535
    return scan.having(pixels=values.tobytes())


def bare(scan: Scan, *without: int) -> Scan:
    return scan.without(*without).having(preamble=False, meta=False)


def junk() -> bytes:
    """Private elements: a sequence of no stated length with items of none, and one of nonsense."""
    inner = made.element(0x00091002, "LO", "DOE^JANE", "<", True)
    item = b"\xfe\xff\x00\xe0" + b"\xff" * 4 + inner + b"\xfe\xff\x0d\xe0" + bytes(4)
    return (
        made.element(0x00080000, "UL", 4, "<", True)
        + made.element(0x00090010, "LO", "DOE^JANE", "<", True)
        + b"\x09\0\x01\x10SQ\0\0" + b"\xff" * 4 + item + b"\xfe\xff\xdd\xe0" + bytes(4)
        + b"\x09\0\x03\x10UN\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\x08\0\0\0"
        + b"\x09\0\x04\x10\0\0\0\0" + b"\xfe\xff\xdd\xe0" + bytes(4)
        + b"\x09\0\x05\x10ZZ\x04\0abcd"
    )  # fmt: skip
