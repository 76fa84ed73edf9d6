"""What a DICOM object is: which ones hold no picture, and which must not be looked at."""

from __future__ import annotations

from mediclip_index.reading.dicom.elements import Elements
from mediclip_index.reading.refusing import Unreadable

_STORAGE = "1.2.840.10008.5.1.4.1.1."
# By the beginning of the class; the longest that fits.
_KINDS = {
    "1.2.840.10008.1.3.10": "a directory of other DICOM files",
    "1.2.840.10008.5.1.4.38": "a hanging protocol",
    "1.2.840.10008.5.1.4.39": "a colour palette",
    "1.2.840.10008.5.1.4.43": "an implant template",
    "1.2.840.10008.5.1.4.34": "a worklist item",
    f"{_STORAGE}9": "a waveform",
    f"{_STORAGE}11": "a presentation state",
    f"{_STORAGE}4.2": "a spectrum",
    f"{_STORAGE}66": "raw data",
    f"{_STORAGE}66.1": "a registration",
    f"{_STORAGE}66.2": "fiducials",
    f"{_STORAGE}66.3": "a registration",
    f"{_STORAGE}66.5": "a surface",
    f"{_STORAGE}66.6": "a tractography",
    f"{_STORAGE}67": "a value mapping",
    f"{_STORAGE}68": "a surface",
    f"{_STORAGE}78": "a measurement of an eye",
    f"{_STORAGE}79": "a measurement of an eye",
    f"{_STORAGE}80": "a measurement of an eye",
    f"{_STORAGE}88": "a structured report",
    f"{_STORAGE}88.59": "a selection of key objects",
    f"{_STORAGE}104": "a document",
    f"{_STORAGE}104.2": "a clinical document (CDA)",
    f"{_STORAGE}104.3": "a 3D model",
    f"{_STORAGE}104.4": "a 3D model",
    f"{_STORAGE}104.5": "a 3D model",
    f"{_STORAGE}481": "a radiotherapy object",
    f"{_STORAGE}481.3": "a radiotherapy structure set",
    f"{_STORAGE}481.4": "a radiotherapy record",
    f"{_STORAGE}481.5": "a radiotherapy plan",
    f"{_STORAGE}481.6": "a radiotherapy record",
    f"{_STORAGE}481.7": "a radiotherapy record",
    f"{_STORAGE}481.8": "a radiotherapy plan",
    f"{_STORAGE}481.9": "a radiotherapy record",
    f"{_STORAGE}200": "a measurement protocol",
}
_SLIDES = f"{_STORAGE}77.1.6"
_DOCUMENT, _DOCUMENT_KIND = 0x00420011, 0x00420012
_REFERENCED = ("1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95")


def without_picture(elements: Elements, path: str) -> Unreadable:
    """Why an object that holds no pixel data is refused, by what it is."""
    said = elements.texts(0x00080016)[0]
    if elements.texts(0x00020010)[0].startswith(_REFERENCED) or 0x00287FE0 in elements:
        return Unreadable(
            "no_pixels", f"{path} only says where its picture is kept; read that instead."
        )
    fitting = [start for start in _KINDS if said == start or said.startswith(start + ".")]
    if fitting:
        kind = _KINDS[max(fitting, key=len)]
        return Unreadable("no_pixels", f"{path} is {kind} in DICOM, without a picture.")
    return Unreadable("no_pixels", f"{path} is a DICOM file without a picture.")


def is_slide(elements: Elements) -> bool:
    """Whether the frames are tiles of a whole slide."""
    return elements.texts(0x00080016)[0] == _SLIDES


def refuse_label(elements: Elements, path: str) -> None:
    """A slide's label names a patient: such a picture is never decoded."""
    kinds = {text.upper() for text in elements.texts(0x00080008)}
    labelled = elements.code(0x00480010) == "YES" and "VOLUME" not in kinds
    if is_slide(elements) and ("LABEL" in kinds or labelled):
        raise Unreadable(
            "unsupported",
            f"{path} shows the label of a slide, which may name a patient; read the slide itself.",
        )


def document(elements: Elements) -> memoryview | None:
    """The PDF that an object encapsulates, without what pads it."""
    value = elements.raw(_DOCUMENT)
    if not value:
        return None
    stated = elements.texts(_DOCUMENT_KIND)[0].lower()
    if "pdf" in stated or b"%PDF-" in bytes(value[:1024]):
        length = elements.whole_number(0x00420015)
        return value[:length] if length and 0 < length <= len(value) else value
    return None
