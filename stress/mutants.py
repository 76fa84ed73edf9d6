"""Real files of every format, and endless broken ones made from them, the same for the same number.

A seed is (format, name, bytes). Small ones mutate best: a change hits something that matters.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import random
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import skimage.data
import tifffile
from PIL import Image

from mediclip_index.prompts import load_bundled

LARGEST_SEED = 300_000  # bytes
Tag = tuple[int, str, Sequence[Any]]  # number, kind as struct writes it, values or names of places
_EDGES = (
    b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0", b"\xff\xff", b"\xff\x7f", b"\0\x80",
    b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\0\0\0\x80",
    b"\0\0\1\0", b"\xff\xff\xff\xff\xff\xff\xff\xff",
)  # fmt: skip
_WORDS = b'path,label,split\na/b.png,medical,train\n"x, y",non_medical,\n../z.dcm,,test\n'


def seeds() -> dict[str, list[bytes]]:
    """Small real files by format: photographs written by Pillow, pydicom's own test files, those of
    $MEDICLIP_BENCH where it is set, and archives, lists and words."""
    found: dict[str, list[bytes]] = {}
    for kind, data in (*_pictures(), *_deep(), *_scans(), *_bench()):
        if len(data) <= LARGEST_SEED:
            found.setdefault(kind, []).append(data)
    found["raw"] = [raw_file(picture, 6) for picture in _photographs()]
    found["pdf"] = list(_documents())
    found["zip"] = [_zip(found, zipfile.ZIP_STORED), _zip(found, zipfile.ZIP_DEFLATED)]
    tar = _tar(found)
    found["tar"], found["tgz"] = [tar], [gzip.compress(tar)]
    found["csv"], found["toml"] = [_WORDS], [load_bundled("mediclip").source.encode()]
    return found


def _photographs() -> Iterator[Image.Image]:
    folder = Path(skimage.data.__file__).parent
    for name, size in (("chelsea.png", (90, 60)), ("coffee.png", (48, 48))):
        with Image.open(folder / name) as picture:
            yield picture.convert("RGB").resize(size)


def _pictures() -> Iterator[tuple[str, bytes]]:
    import pi_heif  # noqa: F401 - what reads HEIC must be there, or the run says nothing of it

    for picture in _photographs():
        grey = picture.convert("L")
        deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 200)
        exif = Image.Exif()
        exif[0x0112] = 6
        ways: list[tuple[str, str, Image.Image, dict[str, object]]] = [
            ("jpeg", "JPEG", picture, {"exif": exif}),
            ("jpeg", "JPEG", picture.convert("CMYK"), {"progressive": True}),
            ("png", "PNG", picture, {}), ("png", "PNG", picture.convert("P"), {}),
            ("png", "PNG", deep, {}), ("png", "PNG", picture.convert("RGBA"), {}),
            ("gif", "GIF", picture, {"save_all": True, "append_images": [picture, picture]}),
            ("webp", "WEBP", picture, {}), ("webp", "WEBP", picture, {"lossless": True}),
            ("tiff", "TIFF", picture, {"compression": "tiff_lzw"}), ("tiff", "TIFF", deep, {}),
            ("tiff", "TIFF", picture, {"compression": "jpeg"}),
            ("tiff", "TIFF", grey, {"compression": "tiff_deflate"}),
            ("tiff", "TIFF", picture, {"save_all": True, "append_images": [grey, deep]}),
            ("tiff", "TIFF", grey.convert("1"), {"compression": "group4"}),
            ("bmp", "BMP", picture, {}), ("ico", "ICO", picture, {}), ("ppm", "PPM", picture, {}),
            ("jpeg2000", "JPEG2000", picture, {}), ("avif", "AVIF", picture, {}),
            ("other", "TGA", picture, {"compression": "tga_rle"}), ("other", "PCX", picture, {}),
            ("other", "DDS", picture, {}), ("other", "SGI", picture, {}),
            ("other", "ICNS", picture, {}),
            ("other", "IM", picture, {}), ("other", "MPO", picture, {"save_all": True}),
            ("other", "QOI", picture, {}),
        ]  # fmt: skip
        for kind, name, source, options in ways:
            data = io.BytesIO()
            try:
                source.save(data, name, **options)
            except KeyError:  # an older Pillow does not write it
                continue
            yield kind, data.getvalue()


def _deep() -> Iterator[tuple[str, bytes]]:
    """Kinds of TIFF, and what imagecodecs decodes."""
    for picture in _photographs():
        colours = np.asarray(picture)
        deep = colours.astype(np.uint16) * 60
        grey = np.asarray(picture.convert("L"))
        for values, options in (
            (deep, {"compression": "zlib", "predictor": True, "photometric": "rgb"}),
            (colours, {"tile": (16, 16), "compression": "jpeg", "photometric": "rgb"}),
            (np.moveaxis(colours, -1, 0), {"planarconfig": "separate", "photometric": "rgb"}),
            (grey.astype(np.float32) / 7, {"compression": "zstd", "bigtiff": True}),
            (grey, {"photometric": "miniswhite", "compression": "packbits", "byteorder": ">"}),
            (grey.astype(np.int16) - 99, {"compression": "lerc"}),
            (colours, {"compression": "jpeg2000", "photometric": "rgb"}),
        ):
            data = io.BytesIO()
            tifffile.imwrite(data, values, **options)
            yield "tiff", data.getvalue()
        yield "png", bytes(imagecodecs.png_encode(deep))
        yield "jpeg", bytes(imagecodecs.jpeg8_encode(deep >> 4, bitspersample=12))
        yield "jpeg", bytes(imagecodecs.jpegls_encode(grey))
        yield "jpeg", bytes(imagecodecs.ljpeg_encode(grey))
        yield "jpeg-xl", bytes(imagecodecs.jpegxl_encode(colours))
        yield "jpeg-xr", bytes(imagecodecs.jpegxr_encode(colours))
        yield "folded", gzip.compress(imagecodecs.png_encode(colours))


def _scans() -> Iterator[tuple[str, bytes]]:
    root = Path(pydicom.__file__).parent / "data" / "test_files"
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.stat().st_size > LARGEST_SEED:
            continue
        data = path.read_bytes()
        if data[128:132] != b"DICM":
            continue
        syntax = pydicom.dcmread(io.BytesIO(data), force=True, stop_before_pixels=True).file_meta
        stated = syntax.get("TransferSyntaxUID")
        yield ("dicom-packed" if stated and stated.is_compressed else "dicom"), data


def _bench() -> Iterator[tuple[str, bytes]]:
    folder = os.environ.get("MEDICLIP_BENCH")
    if not folder:
        return
    kinds = {
        ".jpg": "jpeg", ".png": "png", ".gif": "gif", ".webp": "webp", ".tif": "tiff",
        ".bmp": "bmp", ".ico": "ico", ".ppm": "ppm", ".pgm": "ppm", ".jp2": "jpeg2000",
        ".avif": "avif", ".heic": "heic",
    }  # fmt: skip
    with open(Path(folder) / "formats.csv", newline="") as table:
        for row in csv.DictReader(table):
            path = Path(folder) / row["path"]
            if row["expected"] == "accepted" and path.suffix in kinds:
                yield kinds[path.suffix], path.read_bytes()


def _documents() -> Iterator[bytes]:
    pictures = list(_photographs())
    for pages in (pictures, [pictures[0].convert("L")], [pictures[1].convert("1")]):
        data = io.BytesIO()
        pages[0].save(data, "PDF", save_all=True, append_images=pages[1:], title="seed")
        yield data.getvalue()


def _inside(found: dict[str, list[bytes]]) -> Iterator[tuple[str, bytes]]:
    for kind in ("png", "jpeg", "ppm"):
        yield f"medical/{kind}.{kind}", min(found[kind], key=len)


def _zip(found: dict[str, list[bytes]], how: int) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", how) as archive:
        for name, inner in _inside(found):
            archive.writestr(name, inner)
    return data.getvalue()


def _tar(found: dict[str, list[bytes]]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, inner in _inside(found):
            info = tarfile.TarInfo(name)
            info.size = len(inner)
            archive.addfile(info, io.BytesIO(inner))
    return data.getvalue()


def mutant(originals: Sequence[bytes], number: int) -> bytes:
    """The mutant of this number: one to eight changes to one of the originals."""
    chance = random.Random(number)
    data = bytearray(chance.choice(originals))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8))):
        if data:
            _change(data, chance, originals)
    return bytes(data)


def _change(data: bytearray, chance: random.Random, originals: Sequence[bytes]) -> None:
    # Half of the changes hit the beginning, where sizes and kinds are said.
    end = min(len(data), 512) if chance.random() < 0.5 else len(data)
    place = chance.randrange(end)
    length = min(chance.choice((1, 2, 4, 16, 256)), len(data) - place)
    match chance.randrange(9):
        case 0 | 1:
            data[place] ^= 1 << chance.randrange(8)
        case 2:
            data[place] = chance.randrange(256)
        case 3 | 4:
            edge = chance.choice(_EDGES)
            data[place : place + len(edge)] = edge
        case 5:
            del data[place : place + length]
        case 6:
            data[place:place] = data[place : place + length] * chance.choice((1, 2, 64))
        case 7:
            other = chance.choice(originals)
            start = chance.randrange(len(other))
            data[place : place + length] = other[start : start + length]
        case _:
            if chance.random() < 0.3:
                del data[place:]
            else:
                data[place : place + length] = chance.randbytes(length)


def raw_file(picture: Image.Image, orientation: int) -> bytes:
    """A small DNG as cameras write it: a JPEG preview, turned by `orientation`, and a mosaic."""
    preview = io.BytesIO()
    picture.save(preview, "JPEG")
    jpeg = preview.getvalue()
    mosaic = (np.asarray(picture.convert("L")).astype("<u2") * 100).tobytes()
    short, long = "H", "I"
    first: list[Tag] = [
        (254, long, [1]), (256, long, [picture.width]), (257, long, [picture.height]),
        (258, short, [8, 8, 8]), (259, short, [7]), (262, short, [6]), (271, "s", [b"Test\0"]),
        (272, "s", [b"Camera\0"]), (273, long, ["jpeg"]), (274, short, [orientation]),
        (277, short, [3]), (278, long, [picture.height]), (279, long, [len(jpeg)]),
        (330, long, ["second"]), (50706, "B", [1, 4, 0, 0]), (50708, "s", [b"Test Camera\0"]),
        (50721, "i", [v for n in (1, 0, 0, 0, 1, 0, 0, 0, 1) for v in (n, 1)]),
        (50728, long, [1, 1, 1, 1, 1, 1]), (50778, short, [21]),
    ]  # fmt: skip
    second: list[Tag] = [
        (254, long, [0]), (256, long, [picture.width]), (257, long, [picture.height]),
        (258, short, [16]), (259, short, [1]), (262, short, [32803]), (273, long, ["mosaic"]),
        (277, short, [1]), (278, long, [picture.height]), (279, long, [len(mosaic)]),
        (33421, short, [2, 2]), (33422, "B", [0, 1, 1, 2]),
    ]  # fmt: skip
    places: dict[str, int] = dict.fromkeys(("jpeg", "mosaic", "second"), 0)
    for _ in range(2):  # once to know where things come to lie, once to say it
        data = bytearray(b"II*\0\x08\0\0\0")
        _directory(data, first, places)
        places["second"] = len(data)
        _directory(data, second, places)
        for name, content in (("jpeg", jpeg), ("mosaic", mosaic)):
            places[name] = len(data)
            data += content
    return bytes(data)


def _directory(data: bytearray, tags: Sequence[Tag], places: dict[str, int]) -> None:
    kinds = {"B": 1, "s": 2, "H": 3, "I": 4, "i": 10}
    start = len(data)
    data += struct.pack("<H", len(tags)) + bytes(12 * len(tags) + 4)
    for number, (tag, kind, values) in enumerate(tags):
        known: list[Any] = [places[v] if isinstance(v, str) else v for v in values]
        value: bytes = known[0] if kind == "s" else struct.pack(f"<{len(known)}{kind}", *known)
        count = len(value) if kind == "s" else len(known) // (2 if kind == "i" else 1)
        entry = struct.pack("<HHI", tag, kinds[kind], count)
        if len(value) > 4:
            entry += struct.pack("<I", len(data))
            data += value + bytes(len(value) % 2)
        else:
            entry += value.ljust(4, b"\0")
        data[start + 2 + 12 * number : start + 14 + 12 * number] = entry
