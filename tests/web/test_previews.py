"""Pictures as the page shows them: the right one, made once, and gone with a purge."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mediclip_index import Index
from mediclip_index.catalog import previews
from mediclip_index.jobs import previews as previews_job
from tests.web.serving import (
    Live,
    dicom,
    files_below,
    index,
    live,
    page,
    pattern,
    pdf,
    photographs,
    png,
    tiny_model,
    zipped,
)

__all__ = ["index", "page", "pattern", "tiny_model"]


def _seen(data: bytes) -> Any:
    picture = Image.open(io.BytesIO(data)).convert("L").resize((12, 12))
    values = np.asarray(picture, dtype=float)
    return (values - values.mean()) / (values.std() + 1e-9)


def _alike(one: bytes, other: Image.Image) -> float:
    return float((_seen(one) * _seen(png(other))).mean())


def test_each_picture_is_its_own_and_made_once(
    page: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [picture.resize((600, 600)) for picture in photographs(20)[12:]]
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf(pictures[:3]))
    (folder / "b.dcm").write_bytes(dicom(pictures[3]))
    (folder / "c.zip").write_bytes(zipped({"x/1.png": png(pictures[4]), "2.png": png(pictures[5])}))
    page.index.build([str(folder)])
    of = {}
    for hit in page.get("/api/v1/images?start=12").json()["images"]:
        name = hit["path"].removeprefix(str(folder))
        of[name, hit["metadata"].get("page")] = hit["id"]
    wanted = {
        ("/a.pdf", 1): 0, ("/a.pdf", 2): 1, ("/a.pdf", 3): 2, ("/b.dcm", None): 3,
        ("/c.zip!/x/1.png", None): 4, ("/c.zip!/2.png", None): 5,
    }  # fmt: skip
    assert {(n, int(p) if p else None) for n, p in of} == set(wanted)
    ids = {(n, int(p) if p else None): i for (n, p), i in of.items()}
    for side in previews.SIDES:
        for key, number in wanted.items():
            answer = page.get(f"/api/v1/images/{ids[key]}/preview?side={side}")
            assert answer.headers["content-type"] == "image/jpeg"
            assert max(Image.open(io.BytesIO(answer.content)).size) <= side
            likeness = [_alike(answer.content, picture) for picture in pictures[:6]]
            assert int(np.argmax(likeness)) == number and max(likeness) > 0.9

    def never(*_: Any) -> Any:
        raise AssertionError("made again")

    monkeypatch.setattr(previews_job, "reread", never)
    for image in ids.values():
        assert page.get(f"/api/v1/images/{image}/preview").status_code == 200
    assert page.get("/api/v1/images/1/preview?side=241").status_code == 400


def test_a_preview_holds_nothing_of_its_file_but_pixels(page: Live, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    picture = photographs(13)[12]
    exif = Image.Exif()
    exif[0x010E] = "Doe^Jane"
    picture.save(folder / "a.jpg", exif=exif, comment=b"Doe^Jane")
    page.index.build([str(folder)])
    shown = page.get("/api/v1/images/13/preview").content
    assert b"Doe" in (folder / "a.jpg").read_bytes() and b"Doe" not in shown


def test_a_picture_whose_file_is_gone_is_small_and_grey(page: Live, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    for number, name in ((12, "gone.png"), (13, "other.png")):
        photographs(14)[number].save(folder / name)
    page.index.build([str(folder)])
    (folder / "gone.png").unlink()
    photographs(16)[15].save(folder / "other.png")  # another picture under the same name
    for image in (13, 14):
        answer = page.get(f"/api/v1/images/{image}/preview?side=1200")
        assert (answer.headers["content-type"], answer.headers["x-preview"]) == (
            "image/png",
            "grey",
        )
        assert _alike(answer.content, photographs(14)[image - 1]) > 0.8
    assert page.get("/api/v1/images/13/original").status_code == 404
    assert not files_below(page.index.path / "previews")


def test_a_full_disk_keeps_no_preview_and_shows_it_all_the_same(
    page: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(previews, "put", full)
    answer = page.get("/api/v1/images/1/preview")
    assert answer.headers["content-type"] == "image/jpeg"
    assert not files_below(page.index.path / "previews")


def test_a_purge_while_previews_are_made_leaves_none(page: Live) -> None:
    """However the two meet: every picture is asked for, in both sizes, while it is erased."""
    ends = threading.Event()
    seen = []

    def look() -> None:
        with page.anybody(authorization=f"Bearer {page.token}") as client:
            while not ends.is_set():
                for image in range(1, 13):
                    for side in previews.SIDES:
                        answer = client.get(f"/api/v1/images/{image}/preview?side={side}")
                        seen.append(answer.status_code)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for image in range(1, 9):
        previews.forget(page.index.path, [image])
        page.index.remove([image], what="purged")
    ends.set()
    for thread in threads:
        thread.join()
    assert set(seen) <= {200, 404}
    left = {int(file.stem) for file in files_below(page.index.path / "previews")}
    assert left <= set(range(9, 13))
    for image in range(1, 9):
        assert page.get(f"/api/v1/images/{image}/preview").status_code == 404


def test_a_preview_that_was_made_before_a_purge_is_not_kept_after_it(index: Index) -> None:
    index.remove([1], what="purged")
    previews_job.keep(index._session, {1: b"jpeg", 2: b"jpeg"}, 240)
    assert [file.name for file in files_below(index.path / "previews")] == ["2.jpg"]


def test_nobody_waits_for_a_preview_once_the_page_has_ended(index: Index) -> None:
    with live(index) as page:
        made = page.site.previews
        assert made.get(1, 240) is not None
    assert made.get(2, 240) is None
