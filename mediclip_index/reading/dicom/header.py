"""What a data set says of its pixels, made whole where it is silent or can't be meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mediclip_index.reading.dicom.elements import PIXELS, Elements
from mediclip_index.types import Attribute

COLOURS = {
    "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT",
    "ARGB", "CMYK", "HSV",
}  # fmt: skip
GREYS = {"MONOCHROME1", "MONOCHROME2"}
PALETTE = "PALETTE COLOR"
_PALETTES = (0x00281201, 0x00281221)  # red, plain or segmented
_CODE = re.compile(r"[A-Z0-9 _]{1,16}")
MOST_BITS = 64
_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"  # secondary captures, of one frame or several


@dataclass(frozen=True)
class Header:
    """How the stored values of one frame are laid out. `frames` is what the file says, at least
    1; `stored` counts the low bits of each value that end at `high`, where the values stand."""

    rows: int
    columns: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    high: int
    signed: bool
    planar: bool
    frames: int
    floating: bool
    syntax: str
    said: int = 0  # the bits stored that are stated, however odd
    tinted: bool = False  # of one sample, but a colour's photometric interpretation

    @property
    def colour(self) -> str:
        """The photometric interpretation of more than one sample."""
        return self.photometric if self.photometric in COLOURS else "RGB"

    @property
    def grey(self) -> bool:
        return self.samples == 1 and self.photometric != PALETTE


def header(elements: Elements) -> Header:
    """The header that is stated, made whole. Rows or columns that are not said are 0."""
    rows, columns = elements.whole_number(0x00280010), elements.whole_number(0x00280011)
    floating = PIXELS[0] not in elements
    allocated = elements.whole_number(0x00280100) or 0
    stored = elements.whole_number(0x00280101) or 0
    said = stored
    samples = elements.whole_number(0x00280002) or 0
    if floating:
        allocated = 32 if PIXELS[1] in elements else 64
    if not 0 < allocated <= MOST_BITS:
        allocated = 16 if stored > 8 else 8
    if not 0 < stored <= allocated:
        stored = allocated
    high = elements.whole_number(0x00280102)
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    photometric = _photometric(elements, samples)
    if samples not in (1, 3, 4):
        samples = {"ARGB": 4, "CMYK": 4}.get(photometric, 3 if photometric in COLOURS else 1)
    tinted = samples == 1 and photometric in COLOURS
    if tinted:
        photometric = "MONOCHROME2"  # grey in truth, as some secondary captures say it
    if samples == 3 and photometric == PALETTE:
        photometric = "RGB"
    return Header(
        rows=max(0, rows or 0),
        columns=max(0, columns or 0),
        samples=samples,
        photometric=photometric,
        allocated=allocated,
        stored=stored,
        high=high,
        signed=elements.whole_number(0x00280103) == 1 and not floating,
        planar=elements.whole_number(0x00280006) == 1 and samples > 1,
        frames=max(1, elements.whole_number(0x00280008) or 1),
        floating=floating,
        syntax=elements.texts(0x00020010)[0],
        said=said,
        tinted=tinted,
    )


def fitted(about: Header, length: int) -> Header:
    """The header as it fits native pixel data of so many bytes, where it does not as it stands: the
    bits allocated, or the samples, may be what is wrong."""
    pixels = about.rows * about.columns * about.frames
    if not pixels or about.floating or "_42" in about.photometric:
        return about
    each = length // pixels  # bytes that there are for a pixel
    if length - each * pixels > 1 or each == about.samples * about.allocated // 8:
        return about
    if about.samples == 3 and about.photometric in GREYS and each * 8 == about.allocated:
        return replace(about, samples=1, planar=False)
    if about.tinted and each * 8 == 3 * about.allocated:
        return replace(about, samples=3, photometric="RGB")
    if about.allocated == 16 and each == about.samples and 0 < about.said <= 8:
        return replace(about, allocated=8, stored=about.said, high=about.said - 1)
    if about.allocated == 8 and each == 2 * about.samples and 8 < about.said <= 16:
        return replace(about, allocated=16, stored=about.said, high=about.said - 1)
    return about


def _photometric(elements: Elements, samples: int) -> str:
    stated = elements.code(0x00280004)
    written = re.sub("[ _]", "", stated)
    for known in (*COLOURS, *GREYS, PALETTE):
        if written == re.sub("[ _]", "", known):
            return known
    if samples in (3, 4):
        return "RGB"  # of four, the first three
    has_palette = any(tag in elements for tag in _PALETTES)
    return PALETTE if has_palette and not stated.startswith("MONO") else "MONOCHROME2"


def technical(elements: Elements, about: Header) -> dict[str, Attribute]:
    """Technical only: none of these names a person, a place, a day or a study."""
    found: dict[str, Attribute] = {"frames": about.frames}
    for tag, name in ((0x00080060, "modality"), (0x00180015, "body_part")):
        value = elements.code(tag)
        if _CODE.fullmatch(value):
            found[name] = value
    burned_in = elements.code(0x00280301)
    if burned_in in ("YES", "NO"):
        found["burned_in"] = burned_in
    found["captured"] = "YES" if elements.texts(0x00080016)[0].startswith(_CAPTURES) else "NO"
    found["photometric"] = about.photometric
    found["bits_stored"] = about.stored
    return found
