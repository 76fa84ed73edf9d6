"""What is one picture by its thumbnails, and what only looks like it."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from mediclip_index.evaluate import pairs
from mediclip_index.neighbours import copies
from mediclip_index.reading.tones import thumbnail
from mediclip_index.types import THUMBNAIL, Silent

Grey = npt.NDArray[np.uint8]


def scan(seed: int) -> Grey:
    """A made scan, (24, 240, 240): blobs of two sizes that come and go from slice to slice."""
    rng = np.random.default_rng(seed)
    wide = gaussian_filter(rng.standard_normal((24, 60, 60)), (6, 6, 6), mode="wrap")
    fine = gaussian_filter(rng.standard_normal((24, 60, 60)), (3, 1.2, 1.2), mode="wrap")
    values = wide / wide.std() + fine / fine.std()
    eight = np.clip(118 + 40 * values, 0, 230).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(s).resize((240, 240))) for s in eight])


def small(pictures: list[Image.Image]) -> Grey:
    grey = b"".join(thumbnail(np.asarray(p.convert("RGB"))) for p in pictures)
    return np.frombuffer(grey, dtype=np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL)


def compressed(picture: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=30)
    return Image.open(stream)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": compressed,
    "half": lambda p: p.resize((120, 120)),
    "double": lambda p: p.resize((480, 480)),
    "cropped": lambda p: p.crop((5, 0, 240, 232)),
    "cropped all around": lambda p: p.crop((11, 10, 230, 229)),
    "lighter": lambda p: p.point(lambda v: min(255, v * 1.1)),
    "darker": lambda p: p.point(lambda v: v * 0.9),
}


@pytest.fixture(scope="module")
def slices() -> list[Image.Image]:
    return [Image.fromarray(own) for seed in range(4) for own in scan(seed)]


def found(grey: Grey) -> set[tuple[int, int]]:
    """The pairs among thumbnails, whatever the model says of them."""
    alike = np.ones((len(grey), 1), dtype=np.float32)
    near = pairs.by_thumbnails(alike, grey, np.arange(len(grey)), Silent())
    return set(zip(near.first.tolist(), near.second.tolist(), strict=True))


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_told(slices: list[Image.Image], kind: str) -> None:
    chosen = slices[::8]
    both = small(chosen + [COPIES[kind](picture) for picture in chosen])
    assert found(both) == {(i, len(chosen) + i) for i in range(len(chosen))}


def test_the_next_slice_of_a_scan_is_no_copy(slices: list[Image.Image]) -> None:
    grey = small(slices)
    low = copies.tangents(grey)[0]
    alike = (low[:-1] * low[1:]).sum(axis=1)
    assert np.median(alike) > 0.95  # to low frequencies they are nearly the same
    assert found(grey) == set()


def test_a_flat_picture_tells_nothing_and_counts_by_the_model() -> None:
    grey = np.full((4, THUMBNAIL, THUMBNAIL), 200, dtype=np.uint8)
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    near = pairs.by_thumbnails(vectors, grey, np.arange(4), Silent())
    assert list(zip(near.first, near.second, strict=True)) == [(0, 1), (2, 3)]


def test_what_the_model_finds_unlike_is_not_compared(slices: list[Image.Image]) -> None:
    grey = small([slices[0], compressed(slices[0])])
    near = pairs.by_thumbnails(np.eye(2, dtype=np.float32), grey, np.arange(2), Silent())
    assert len(near.first) == 0


def test_of_very_many_that_are_alike_the_nearest_are_compared(
    slices: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "MOST", 2)
    monkeypatch.setattr(pairs, "BLOCK", 5)
    monkeypatch.setattr(pairs, "_COLUMNS", 7)
    grey = small([*slices[:24], *map(COPIES["darker"], slices[:24])])
    alike = np.ones((len(grey), 1), dtype=np.float32)
    near = pairs.by_thumbnails(alike, grey, np.arange(len(grey)), Silent())
    assert set(zip(near.first, near.second, strict=True)) == {(i, 24 + i) for i in range(24)}
    assert len(set(near.cut.tolist())) == len(near.cut) > 20, "and of which images is said"


def test_pairs_across_blocks_are_the_same_as_in_one(
    slices: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = small(slices[::12] + [
        change(own) for change in COPIES.values() for own in slices[::12]
    ])  # fmt: skip
    whole = found(grey)
    assert len(whole) >= 8 * 28 * 0.9
    monkeypatch.setattr(pairs, "BLOCK", 3)
    monkeypatch.setattr(pairs, "_COLUMNS", 4)
    assert found(grey) == whole
