"""What a file is by its first bytes, for the words of a refusal: which kind, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mediclip_index.reading.refusing import Unreadable

Family = Literal["picture", "volume", "video", "archive", "document", "drawing"]


@dataclass(frozen=True)
class Signature:
    """Bytes at a place that tell a kind of file; `read` where such files are read here."""

    name: str
    family: Family
    mark: bytes
    place: int = 0
    read: bool = False


_REMEDY: dict[Family, str] = {
    "picture": "save it as PNG or TIFF",
    "drawing": "save it as PNG",
    "volume": "save its slices as DICOM, PNG or TIFF",
    "video": "save the frames that matter as pictures",
    "archive": "unpack it",
    "document": "save it as PDF",
}
_A: dict[Family, str] = {
    "picture": "a picture", "drawing": "a drawing", "volume": "a volume", "video": "a video",
    "archive": "an archive", "document": "a document",
}  # fmt: skip


def _brands(name: str, family: Family, *brands: bytes, read: bool = False) -> list[Signature]:
    """ISO base media files (ISO/IEC 14496-12) by their major brand."""
    return [Signature(name, family, b"ftyp" + brand, 4, read) for brand in brands]


# The marks are those of the formats' own specifications. More particular ones come first.
SIGNATURES: tuple[Signature, ...] = (
    Signature("JPEG-LS", "picture", b"\xff\xd8\xff\xf7", read=True),
    Signature("JPEG", "picture", b"\xff\xd8\xff", read=True),
    Signature("PNG", "picture", b"\x89PNG\r\n\x1a\n", read=True),
    Signature("MNG", "picture", b"\x8aMNG\r\n\x1a\n"),
    Signature("JNG", "picture", b"\x8bJNG\r\n\x1a\n"),
    Signature("GIF", "picture", b"GIF8", read=True),
    Signature("WebP", "picture", b"WEBP", 8, read=True),
    Signature("JPEG XL", "picture", b"\xff\x0a", read=True),
    Signature("JPEG XL", "picture", b"\0\0\0\x0cJXL \r\n\x87\n", read=True),
    Signature("JPEG XR", "picture", b"II\xbc", read=True),
    Signature("JPEG 2000", "picture", b"\0\0\0\x0cjP", read=True),
    Signature("JPEG 2000", "picture", b"\xff\x4f\xff\x51", read=True),
    *_brands("AVIF", "picture", b"avif", b"avis", read=True),
    *_brands("HEIF", "picture", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", read=True),
    *_brands("HEIF", "picture", b"hevc", b"hevx", b"mif2", b"miaf", b"jpeg", b"j2ki", b"avci"),
    *_brands("raw of a camera", "picture", b"crx ", read=True),
    Signature("raw of a camera", "picture", b"FUJIFILMCCD-RAW", read=True),
    Signature("raw of a camera", "picture", b"FOVb", read=True),
    Signature("raw of a camera", "picture", b"\0MRM", read=True),
    Signature("raw of a camera", "picture", b"IIRO", read=True),
    Signature("raw of a camera", "picture", b"IIRS", read=True),
    Signature("raw of a camera", "picture", b"MMOR", read=True),
    Signature("raw of a camera", "picture", b"IIU\0", read=True),
    Signature("raw of a camera", "picture", b"CR\x02", 8, read=True),
    Signature("TIFF", "picture", b"II*\0", read=True),
    Signature("TIFF", "picture", b"MM\0*", read=True),
    Signature("BigTIFF", "picture", b"II+\0", read=True),
    Signature("BigTIFF", "picture", b"MM\0+", read=True),
    Signature("large PSD (PSB)", "picture", b"8BPS\0\2"),
    Signature("PSD", "picture", b"8BPS\0\1", read=True),
    Signature("GIMP", "picture", b"gimp xcf"),
    Signature("icon", "picture", b"\0\0\1\0", read=True),
    Signature("cursor", "picture", b"\0\0\2\0", read=True),
    Signature("Apple icon", "picture", b"icns", read=True),
    Signature("animated cursor", "picture", b"ACON", 8),
    Signature("DDS", "picture", b"DDS ", read=True),
    Signature("OpenEXR", "picture", b"\x76\x2f\x31\x01"),
    Signature("Radiance HDR", "picture", b"#?RADIANCE"),
    Signature("Radiance HDR", "picture", b"#?RGBE"),
    Signature("FITS", "picture", b"SIMPLE  =", read=True),
    Signature("SGI", "picture", b"\x01\xda", read=True),
    Signature("Sun raster", "picture", b"\x59\xa6\x6a\x95", read=True),
    Signature("XPM", "picture", b"/* XPM */"),
    Signature("BLP", "picture", b"BLP1", read=True),
    Signature("BLP", "picture", b"BLP2", read=True),
    Signature("FLI", "picture", b"\x11\xaf", 4, read=True),
    Signature("FLC", "picture", b"\x12\xaf", 4, read=True),
    Signature("IM", "picture", b"Image type:", read=True),
    Signature("MSP", "picture", b"DanM", read=True),
    Signature("MSP", "picture", b"LinS", read=True),
    Signature("PIXAR", "picture", b"\x80\xe8\0\0", read=True),
    Signature("FTEX", "picture", b"FTEX", read=True),
    Signature("GIMP brush", "picture", b"GIMP", 20, read=True),
    Signature("DCX", "picture", b"\xb1\x68\xde\x3a", read=True),
    Signature("QOI", "picture", b"qoif", read=True),
    Signature("BPG", "picture", b"BPG\xfb"),
    Signature("FLIF", "picture", b"FLIF"),
    Signature("PAM", "picture", b"P7\n"),
    Signature("farbfeld", "picture", b"farbfeld"),
    Signature("Cineon", "picture", b"\x80\x2a\x5f\xd7"),
    Signature("DPX", "picture", b"SDPX"),
    Signature("DPX", "picture", b"XPDS"),
    Signature("ILBM", "picture", b"ILBM", 8),
    Signature("ILBM", "picture", b"PBM ", 8),
    Signature("PICT", "picture", b"\0\x11\2\xff\x0c\0", 522),
    Signature("Khoros VIFF", "picture", b"\xab\1"),
    Signature("MIFF", "picture", b"id=ImageMagick"),
    Signature("VICAR", "picture", b"LBLSIZE="),
    Signature("PDS", "picture", b"PDS_VERSION_ID"),
    Signature("KTX texture", "picture", b"\xabKTX "),
    Signature("MATLAB", "picture", b"MATLAB 5.0 MAT-file"),
    Signature("NumPy", "picture", b"\x93NUMPY"),
    Signature("Zeiss CZI", "picture", b"ZISRAWFILE"),
    Signature("Nikon ND2", "picture", b"\xda\xce\xbe\x0a"),
    Signature("Leica LIF", "picture", b"\x70\0\0\0"),
    Signature("Olympus OIR", "picture", b"OLYMPUSRAWFORMAT"),
    Signature("MRC", "volume", b"MAP ", 208),
    Signature("NIfTI", "volume", b"n+1\0", 344),
    Signature("NIfTI", "volume", b"ni1\0", 344),
    Signature("NIfTI", "volume", b"n+2\0", 4),
    Signature("Analyze", "volume", b"\x5c\x01\0\0"),
    Signature("Analyze", "volume", b"\0\0\x01\x5c"),
    Signature("NRRD", "volume", b"NRRD0"),
    Signature("MetaImage", "volume", b"ObjectType = Image"),
    Signature("MetaImage", "volume", b"NDims = "),
    Signature("VTK", "volume", b"# vtk DataFile"),
    Signature("HDF5 (MINC)", "volume", b"\x89HDF\r\n\x1a\n"),
    Signature("netCDF (MINC)", "volume", b"CDF\1"),
    Signature("netCDF (MINC)", "volume", b"CDF\2"),
    Signature("FreeSurfer MGH", "volume", b"\0\0\0\1\0\0\1\0\0\0\1\0"),
    Signature("ECAT", "volume", b"MATRIX7"),
    *_brands("MP4", "video", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42"),
    *_brands("MP4", "video", b"avc1", b"M4V ", b"dash", b"3gp", b"MSNV", b"f4v "),
    *_brands("QuickTime", "video", b"qt  "),
    Signature("QuickTime", "video", b"moov", 4),
    Signature("QuickTime", "video", b"mdat", 4),
    Signature("AVI", "video", b"AVI ", 8),
    Signature("Matroska or WebM", "video", b"\x1a\x45\xdf\xa3"),
    Signature("MPEG", "video", b"\0\0\1\xba"),
    Signature("MPEG", "video", b"\0\0\1\xb3"),
    Signature("Flash", "video", b"FLV\1"),
    Signature("Windows Media", "video", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    Signature("Ogg", "video", b"OggS"),
    Signature("7z", "archive", b"7z\xbc\xaf\x27\x1c"),
    Signature("RAR", "archive", b"Rar!\x1a\x07"),
    Signature("Zstandard", "archive", b"\x28\xb5\x2f\xfd"),
    Signature("LZ4", "archive", b"\x04\x22\x4d\x18"),
    Signature("lzip", "archive", b"LZIP"),
    Signature("compress", "archive", b"\x1f\x9d"),
    Signature("gzip", "archive", b"\x1f\x8b"),
    Signature("bzip2", "archive", b"BZh"),
    Signature("xz", "archive", b"\xfd7zXZ\0"),
    Signature("cabinet", "archive", b"MSCF"),
    Signature("LHA", "archive", b"-lh", 2),
    Signature("ARJ", "archive", b"\x60\xea"),
    Signature("cpio", "archive", b"070701"),
    Signature("cpio", "archive", b"070707"),
    Signature("StuffIt", "archive", b"StuffIt"),
    Signature("xar", "archive", b"xar!"),
    Signature("ar", "archive", b"!<arch>\n"),
    Signature("tar", "archive", b"ustar", 257),
    Signature("disk image", "archive", b"CD001", 0x8001),
    Signature("zip", "archive", b"PK\5\6"),
    Signature("PDF", "document", b"%PDF-", read=True),
    Signature("PostScript", "document", b"%!PS"),
    Signature("PostScript with a preview", "document", b"\xc5\xd0\xd3\xc6"),
    Signature("PostScript", "document", b"\x04%!PS"),
    Signature("DjVu", "document", b"AT&TFORM"),
    Signature("Office", "document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    Signature("RTF", "document", b"{\\rtf"),
    Signature("DVI", "document", b"\xf7\x02"),
    Signature("Windows help", "document", b"ITSF"),
    Signature("Windows metafile", "drawing", b"\xd7\xcd\xc6\x9a"),
    Signature("enhanced metafile", "drawing", b" EMF", 40),
    Signature("CorelDRAW", "drawing", b"CDR", 8),
    Signature("CGM", "drawing", b"BEGMF"),
    Signature("AutoCAD", "drawing", b"AC10"),
)
_BMP_HEADERS = {bytes((n, 0, 0, 0)) for n in (12, 16, 40, 52, 56, 64, 108, 124)}
_PCX = re.compile(rb"\x0a[\0\2-\5][\0\1][\1\2\4\x08]", re.DOTALL)
_ZIP = b"PK\3\4"
# What a zip holds says what it is: its first members' names.
_ZIPPED: tuple[tuple[bytes, str, Family], ...] = (
    (b"word/", "Word", "document"),
    (b"ppt/", "PowerPoint", "document"),
    (b"xl/", "Excel", "document"),
    (b"application/vnd.oasis", "OpenDocument", "document"),
    (b"application/epub", "EPUB", "document"),
    (b"image/openraster", "OpenRaster", "picture"),
    (b"application/x-krita", "Krita", "picture"),
    (b"maindoc.xml", "Krita", "picture"),
)


def signature(data: bytes) -> Signature | None:
    """The kind of file that its bytes show; None for text, programs, sound and all unknown."""
    for known in SIGNATURES:
        if data.startswith(known.mark, known.place):
            return known
    if data.startswith(_ZIP):
        start = data[:4096]
        for part, name, family in _ZIPPED:
            if part in start:
                return Signature(name, family, _ZIP)
        return Signature("zip", "archive", _ZIP)
    if data.startswith(b"BM") and data[14:18] in _BMP_HEADERS:
        return Signature("BMP", "picture", b"BM", read=True)
    if data.startswith(b"#define ") and b"_width" in data[:512]:
        return Signature("XBM", "picture", b"#define ", read=True)
    if data.startswith(b"PF") and data[2:3].isspace():
        return Signature("colour PFM", "picture", b"PF")
    if data[:1] == b"P" and data[1:2] in b"123456f" and data[2:3].isspace():
        return Signature("Netpbm", "picture", b"P", read=True)
    if len(data) > 128 and _PCX.match(data):
        return Signature("PCX", "picture", b"\x0a", read=True)
    if data[-26:].endswith(b"TRUEVISION-XFILE.\0") or _may_be_tga(data):
        return Signature("TGA", "picture", b"", read=True)
    return None


def _may_be_tga(data: bytes) -> bool:
    """A TGA of the first version has no mark; its header's fields must make sense together."""
    head = data[:18]
    return (
        len(head) == 18
        and head[1] in (0, 1)
        and head[2] in (1, 2, 3, 9, 10, 11)
        and head[16] in (8, 15, 16, 24, 32)
        and head[17] & 0xC0 == 0
        and int.from_bytes(head[12:14], "little") > 0
        and int.from_bytes(head[14:16], "little") > 0
    )


def refusal(data: bytes, path: str) -> Unreadable:
    """Why a file that no decoder takes is refused: what it is, and what to do."""
    known = signature(data)
    if known is None:
        return Unreadable("not_an_image", f"{path} is not a picture.")
    if known.read:
        return Unreadable("damaged", f"{path} begins like {known.name} but can't be read.")
    return Unreadable(
        "unsupported",
        f"{path} is {_A[known.family]} of a kind that is not read ({known.name}); "
        f"{_REMEDY[known.family]}.",
    )
