"""What a PDF shows is the picture: each figure is held against another renderer at its place."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediclip_index import reading
from mediclip_index.reading.pdf.document import loaded, opened
from mediclip_index.reading.pdf.figures import Box, Figure, Placed, around, figures
from mediclip_index.reading.pdf.marks import marks
from mediclip_index.reading.pdf.page import Met, Page
from mediclip_index.types import Bounds, Picture
from tests.reading.conftest import pdf_figures

pikepdf = pytest.importorskip("pikepdf", reason="PDFs are made with pikepdf, of the extra [test]")
pytest.importorskip("reportlab", reason="PDFs are made with ReportLab, of the extra [test]")

from tests.reading import pdf_composed, pdf_made, pdf_parts  # noqa: E402

SIZE = 224


def boxes(data: bytes, number: int = 1) -> list[Figure]:
    with opened(data, "x") as document, loaded(document, number) as there:
        return Page(document, there, number, "x", SIZE, Bounds()).placed(marks(data), Met())[1]


def read(data: bytes) -> reading.ReadResult:
    try:
        return reading.read(data, path="x.pdf", size=SIZE)
    except reading.Unreadable as why:
        assert why.reason == "no_pixels", why.message
        return reading.ReadResult((), ())


@pytest.fixture(scope="module")
def mupdf() -> Iterator[Any]:
    pymupdf = pytest.importorskip("pymupdf", reason="compares with MuPDF, of the extra [test]")
    pymupdf.TOOLS.mupdf_display_errors(False)
    yield pymupdf


@pytest.mark.parametrize("made", pdf_made.ALL + pdf_composed.ALL, ids=lambda made: made.name)
def test_a_figure_is_what_the_page_shows_at_its_place(made: pdf_made.Made, mupdf: Any) -> None:
    data = made.make()
    found = read(data)
    assert (len(found.pictures), found.refused) == (made.pictures, ())
    page = mupdf.open(stream=data, filetype="pdf")[0]
    for picture, figure in zip(found.pictures, boxes(data), strict=True):
        held_against(page, picture, figure)
        if made.face:
            assert is_face(picture)


def held_against(page: Any, picture: Picture, figure: Figure) -> None:
    soaking = pdf_figures()
    high, wide = picture.pixels.shape[:2]
    shown = soaking.reference(page, figure, wide, high)
    assert soaking.correlation(picture.pixels, shown) >= 0.98
    assert soaking.brightness(picture.pixels, shown) <= 0.05


def is_face(picture: Picture) -> bool:
    """Red, green, blue and yellow quarters where they belong, or the same in grey."""
    high, wide = picture.pixels.shape[:2]
    shown = pdf_parts.face(wide, high)
    if np.ptp(picture.pixels.astype(int), axis=2).max() < 8:
        shown = np.repeat(pdf_parts.grey_face(wide, high)[..., None], 3, axis=2)
    return bool(np.abs(picture.pixels.astype(int) - shown).mean() < 12)


def test_a_face_that_is_not_upright_is_none() -> None:
    """The test of faces can fail: it knows each way of turning, and the colours."""
    upright = pdf_parts.face()
    turned = [upright[::-1], upright[:, ::-1], upright[::-1, ::-1], 255 - upright]
    assert is_face(Picture(upright, 96, 72, "PDF"))
    for other in turned:
        assert not is_face(Picture(np.ascontiguousarray(other), 96, 72, "PDF"))


def test_a_picture_is_as_large_as_it_is_kept(tmp_path: Path) -> None:
    sizes = {
        made.name: [(p.width, p.height) for p in read(made.make()).pictures]
        for made in pdf_made.PLACES[:6] + pdf_composed.PARTS[:6]
    }
    assert sizes.pop("turned by 90") == sizes.pop("turned by 270") == [(96, 72)]
    assert sizes.pop("tiles with hair-lines between") == [(321, 241)]
    assert {
        name: size for name, size in sizes.items() if size[0] not in ((96, 72), (320, 240))
    } == {}


def test_a_large_figure_is_not_kept_larger_than_a_model_needs() -> None:
    large = pdf_parts.grey(pdf_parts.grey_face(3000, 2250))
    (picture,) = read(pdf_parts.drawn(large)()).pictures
    assert (picture.width, picture.height) == (3000, 2250)
    assert picture.pixels.shape == (2250 // 5, 3000 // 5, 3)
    assert is_face(picture)


def with_bad(bad: pdf_parts.Maker) -> bytes:
    content = b" ".join(
        b"q 100 0 0 75 %d 100 cm /%s Do Q" % (10 + 130 * number, name)
        for number, name in enumerate((b"A", b"B", b"C"))
    )
    drawn = {"A": pdf_parts.rgb(), "B": bad, "C": pdf_parts.grey()}
    return pdf_parts.document(content, xobjects=drawn)()


@pytest.mark.parametrize(
    "bad",
    [
        pdf_parts.image(b"nothing", 96, 72, pikepdf.Name.DeviceRGB, Filter=pikepdf.Name.DCTDecode),
        pdf_parts.image(b"nothing", 96, 72, None, Filter=pikepdf.Name.JPXDecode),
        pdf_parts.image(bytes(20736), 96, 72, pikepdf.Name.NoSuchSpace),
    ],
    ids=["no JPEG", "no JPEG 2000", "no colours"],
)
def test_a_bad_picture_is_refused_alone(bad: pdf_parts.Maker) -> None:
    found = read(with_bad(bad))
    assert [(p.page, p.item) for p in found.pictures] == [(1, 1), (1, 3)]
    assert all(is_face(picture) for picture in found.pictures)
    assert [(r.page, r.reason) for r in found.refused] == [(1, "damaged")]
    assert found.refused[0].message == "Picture 2 on page 1 of x.pdf is damaged."


def test_a_picture_that_is_too_large_is_refused_alone() -> None:
    data = with_bad(pdf_parts.grey(pdf_parts.grey_face(400, 300)))
    found = reading.read(data, path="x.pdf", size=SIZE, bounds=Bounds(max_pixels=100_000))
    assert [p.item for p in found.pictures] == [1, 3]
    assert [(r.page, r.reason) for r in found.refused] == [(1, "too_large")]
    assert found.refused[0].message.startswith("Picture 2 on page 1 of x.pdf has 400 x 300 pixels")


def test_a_logo_on_many_pages_is_one_picture() -> None:
    pdf = pikepdf.new()
    logo = pdf_parts.rgb()
    for number in range(5):
        own = pdf_parts.grey(np.roll(pdf_parts.grey_face(), 9 * number, axis=1))
        content = b"q 64.3 0 0 48.2 %d.7 220.3 cm /L Do Q q 200 0 0 150 30 20 cm /I Do Q"
        pdf_parts.page(pdf, content % (20 + 11 * number), xobjects={"L": logo, "I": own})
    found = read(pdf_parts.saved(pdf))
    assert [(p.page, p.item) for p in found.pictures] == [
        (1, 1), (1, 2), (2, 2), (3, 2), (4, 2), (5, 2),
    ]  # fmt: skip


def test_pages_that_are_scans_are_pages_even_where_they_are_alike() -> None:
    pdf = pikepdf.new()
    for _ in range(3):
        pdf_parts.page(pdf, b"q 400 0 0 300 0 0 cm /I Do Q", xobjects={"I": pdf_parts.grey()})
    assert [p.page for p in read(pdf_parts.saved(pdf)).pictures] == [1, 2, 3]


def locked() -> bytes:
    pdf = pikepdf.new()
    pdf_parts.page(pdf, b"")
    lock = pikepdf.Encryption(owner="owner", user="user")
    return pdf_parts.saved(pdf, encryption=lock)


def why(data: bytes) -> str:
    with pytest.raises(reading.Unreadable) as caught:
        reading.read(data, path="x.pdf", size=SIZE)
    return f"{caught.value.reason}: {caught.value.message}"


def test_no_file_is_refused_for_what_ailed_another() -> None:
    good = pdf_made.by_hand()
    bad = [
        pdf_parts.saved(pikepdf.new()),
        b"%PDF-1.4\n",
        good[:200],
        b"%PDF-1.7 " + bytes(3000),
        locked()[:-700],
    ]
    alone = [why(data) for data in bad]
    assert all(reason.startswith("damaged: ") for reason in alone)
    for data, reason in zip(bad, alone, strict=True):
        for other in (locked(), good, *bad):
            if other is good:
                assert read(good).pictures
            else:
                why(other)
            assert why(data) == reason
            assert why(locked()).startswith("unsupported: x.pdf is locked with a password")


def test_a_file_without_pages_is_refused_with_a_sentence() -> None:
    assert why(pdf_parts.saved(pikepdf.new())) == "damaged: x.pdf is a PDF without pages."


def test_what_is_attached_to_a_file_is_neither_read_nor_named() -> None:
    pdf = pikepdf.new()
    pdf_parts.page(pdf, b"0 g 10 10 50 50 re f")
    inner = pdf_parts.drawn(pdf_parts.rgb())()
    pdf.attachments["DOE^JANE.pdf"] = pikepdf.AttachedFileSpec(pdf, inner, filename="DOE^JANE.pdf")
    assert why(pdf_parts.saved(pdf)).startswith("no_pixels: x.pdf has no embedded pictures")


def test_a_stamp_that_can_not_be_drawn_is_refused_with_a_sentence() -> None:
    """A picture in a form's field, in a file that has no form."""
    data = pdf_composed.stamp(subtype="Widget")()
    assert "drawn by a field or note that can't be shown" in why(data)
    assert why(data).startswith("unsupported: ")


def test_a_page_whose_content_is_broken_leaves_the_others() -> None:
    pdf = pikepdf.new()
    for content in (b"q 200 0 0 150 30 20 cm /I Do Q", b"(((( <<<< q 1 0 ] cm", b"/I Do"):
        pdf_parts.page(pdf, content, xobjects={"I": pdf_parts.rgb()})
    assert [p.page for p in read(pdf_parts.saved(pdf)).pictures] == [1, 3]


def test_nothing_is_said_aloud_about_a_file() -> None:
    """PDFium's binding logs of forms that it can't run, and may quote them."""
    pdf = pikepdf.new()
    pdf_parts.page(pdf, b"q 200 0 0 150 30 20 cm /I Do Q", xobjects={"I": pdf_parts.rgb()})
    form = pikepdf.Dictionary(Fields=pikepdf.Array([]), XFA=pikepdf.String("<xdp/>"))
    pdf.Root.AcroForm = form
    code = "import sys; from mediclip_index import reading; "
    code += "reading.read(sys.stdin.buffer.read(), path='x', size=64)"
    run = subprocess.run(
        [sys.executable, "-c", code], input=pdf_parts.saved(pdf), capture_output=True, check=True
    )
    assert (run.stdout, run.stderr) == (b"", b"")


# --- which pictures are one figure ---------------------------------------------------------------


def at(left: float, top: float, wide: float, high: float, density: float = 2.0) -> Placed:
    corners = (left, top), (left + wide, top), (left + wide, top + high), (left, top + high)
    size = max(1, round(wide * density)), max(1, round(high * density))
    return Placed(*size, corners, around(corners))


def turned(placed: Placed, angle: float, by: tuple[float, float]) -> Placed:
    """The same, turned about the page's corner and moved."""
    cos, sin = math.cos(angle), math.sin(angle)
    a, b, c, d = [(x * cos - y * sin + by[0], x * sin + y * cos + by[1]) for x, y in placed.corners]
    return Placed(placed.columns, placed.rows, (a, b, c, d), around((a, b, c, d)))


def members(placed: list[Placed]) -> list[tuple[int, ...]]:
    return [figure.members for figure in figures(placed)]


@pytest.mark.parametrize(
    ("what", "one", "other", "count"),
    [
        ("apart", at(0, 0, 100, 80), at(110, 0, 100, 80), 2),
        ("a hair apart", at(0, 0, 100, 80), at(100.3, 0, 100, 80), 1),
        ("edge to edge", at(0, 0, 100, 80), at(0, 80, 100, 40), 1),
        ("at another resolution", at(0, 0, 100, 80), at(100, 0, 100, 80, 3.0), 2),
        ("corner to corner", at(0, 0, 100, 80), at(100, 80, 100, 80), 2),
        ("along a little of the edge", at(0, 0, 100, 80), at(100, 60, 100, 80), 2),
        ("along most of the edge", at(0, 0, 100, 80), at(100, 20, 100, 80), 1),
        ("a corner over it", at(0, 0, 100, 80), at(90, 70, 100, 80), 2),
        ("well over it", at(0, 0, 100, 80), at(50, 20, 100, 80), 1),
        ("upon it, at another resolution", at(0, 0, 100, 80), at(10, 10, 20, 20, 9.0), 1),
        ("half upon it", at(0, 0, 100, 80), at(90, 30, 20, 20, 9.0), 1),
        ("a thin one upon its edge", at(0, 0, 100, 80), at(0, 79.9, 100, 10), 1),
        ("turned, boxes over each other", turned(at(0, 0, 100, 10), 0.785, (0, 0)),
         at(50, 0, 20, 20), 2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_two_pictures_are_one_figure_by_where_they_lie(
    what: str, one: Placed, other: Placed, count: int
) -> None:
    assert len(figures([one, other])) == len(figures([other, one])) == count


places = st.builds(
    at,
    st.floats(0, 500),
    st.floats(0, 700),
    st.floats(1, 300),
    st.floats(1, 300),
    st.sampled_from([0.5, 1.0, 2.0, 300 / 72]),
)


@given(st.lists(places, max_size=12))
def test_each_picture_is_in_one_figure_and_lies_in_its_box(placed: list[Placed]) -> None:
    found = figures(placed)
    assert sorted(n for figure in found for n in figure.members) == list(range(len(placed)))
    assert [figure.members[0] for figure in found] == sorted(f.members[0] for f in found)
    for figure in found:
        for number in figure.members:
            assert inside(placed[number].shown, figure.box)
        assert min(figure.width, figure.height, *figure.square) >= 1


def inside(one: Box, other: Box) -> bool:
    return (
        other.left <= one.left
        and other.top <= one.top
        and one.right <= other.right
        and one.bottom <= other.bottom
    )


@given(
    columns=st.integers(1, 6),
    rows=st.integers(1, 6),
    wide=st.floats(60, 500),
    high=st.floats(60, 700),
    density=st.floats(0.7, 8),
    angle=st.floats(-math.pi, math.pi),
    order=st.randoms(),
)
def test_what_was_cut_is_put_together_however_it_lies(
    columns: int, rows: int, wide: float, high: float, density: float, angle: float, order: Any
) -> None:
    parts = [
        at(c * wide / columns, r * high / rows, wide / columns, high / rows, density)
        for r in range(rows)
        for c in range(columns)
    ]
    moved = [turned(part, angle, (300, 400)) for part in parts]
    order.shuffle(moved)
    assert members(moved) == [tuple(range(len(parts)))]


@given(st.lists(places, min_size=1, max_size=6), st.floats(2, 400), st.booleans())
def test_what_is_apart_stays_apart(placed: list[Placed], gap: float, below: bool) -> None:
    """Two groups with paper between them: the figures of both are those of each."""
    box = around((x, y) for one in placed for x, y in one.corners)
    by = (0.0, box.height + gap) if below else (box.width + gap, 0.0)
    moved = [turned(one, 0.0, by) for one in placed]
    first = members(placed)
    second = [tuple(n + len(placed) for n in group) for group in first]
    assert sorted(members([*placed, *moved])) == sorted(first + second)
