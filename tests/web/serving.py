"""The page served for a test: a real server on this computer, and what asks it."""

from __future__ import annotations

import io
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pydicom
import pytest
import skimage.data
from PIL import Image
from uvicorn import Server

from mediclip_index import Index
from mediclip_index.catalog import models
from mediclip_index.types import ServeOptions, Settings
from mediclip_index.web import serving
from mediclip_index.web.site import Site
from stress.piles import write_model

PATIENCE = 60.0  # seconds for one answer


def photographs(count: int, side: int = 60) -> list[Image.Image]:
    """Different real pictures."""
    source = np.asarray(Image.open(Path(skimage.data.__file__).parent / "astronaut.png"))
    places = [(y, x) for y in range(0, 440, side) for x in range(0, 440, side)]
    return [
        Image.fromarray(np.ascontiguousarray(source[y : y + side, x : x + side]))
        for y, x in places[:count]
    ]


def made(folder: Path, model: str, **options: Any) -> Index:
    """An empty index in which everybody may vote, as to a model with random weights all are
    alike."""
    index = Index.create(folder, model=model, by="Ada", **options)
    with index._session.catalog.writing("test", by="test") as write:
        models.add_settings(write, Settings(unit="cosines", beta=10.0, near=0.4))
    return index


def piled(folder: Path, model: str, count: int = 12) -> Index:
    """An index of `count` pictures, p00.png and so on: the first four are medical, the next four
    are not, and nobody has said anything of the rest."""
    pile = folder / "pile"
    pile.mkdir(parents=True)
    for number, picture in enumerate(photographs(count)):
        picture.save(pile / f"p{number:02}.png")
    index = made(folder / "index", model)
    index.build([str(pile)])
    index.labels.set("medical", [1, 2, 3, 4])
    index.labels.set("non_medical", [5, 6, 7, 8])
    return index


@dataclass
class Live:
    """A page that is served: its address without the token, and a client that holds it."""

    index: Index
    site: Site
    address: str
    token: str | None
    client: httpx.Client
    server: Server

    @property
    def port(self) -> int:
        return int(urlsplit(self.address).port or 0)

    def anybody(self, **headers: str) -> httpx.Client:
        """A client that holds nothing."""
        return httpx.Client(base_url=self.address, headers=headers, timeout=PATIENCE)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def post(self, path: str, said: Any = None, **more: Any) -> httpx.Response:
        return self.client.post(path, json=said, **more)

    def upload(self, path: str, data: bytes | Iterator[bytes], name: str) -> httpx.Response:
        return self.client.post(path, content=data, headers={"x-filename": name})


@contextmanager
def live(index: Index, **options: Any) -> Iterator[Live]:
    """Serve an index in a thread, as the command does."""
    servers: list[Any] = []
    sites: list[Site] = []

    class Kept(serving._Server):
        def __init__(self, config: Any, ready: Callable[[], None]) -> None:
            super().__init__(config, ready)
            servers.append(self)

    class Noted(Site):
        def __init__(self, *said: Any, **more: Any) -> None:
            super().__init__(*said, **more)
            sites.append(self)

    told: list[str] = []
    begun = threading.Event()

    def say(address: str) -> None:
        told.append(address)
        begun.set()

    def work() -> None:
        try:
            serving.serve(index, ServeOptions(browser=False, **options), say)
        finally:
            begun.set()

    kept = serving._Server, serving.Site  # type: ignore[attr-defined]
    serving._Server, serving.Site = Kept, Noted  # type: ignore[misc, attr-defined]
    thread = threading.Thread(target=work, name="server")
    try:
        thread.start()
        begun.wait()
    finally:
        serving._Server, serving.Site = kept  # type: ignore[misc, attr-defined]
    assert told, "the page did not begin"
    parts = urlsplit(told[0])
    token = parse_qs(parts.query).get("token", [None])[0]
    address = f"{parts.scheme}://{parts.netloc}"
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as client:
            yield Live(index, sites[0], address, token, client, servers[0])
    finally:
        servers[0].should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


def sentence(answer: httpx.Response) -> str:
    """What an answer says went wrong; it fails where that is nothing, or more than a sentence."""
    why = answer.json()["error"] if "json" in answer.headers["content-type"] else answer.text
    assert isinstance(why, str) and why.strip(), answer.status_code
    assert "Traceback" not in why and "Unexpected" not in why, why
    return why


def files_below(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def copied(index: Index, folder: Path) -> Index:
    """Another index of the same content, to be written to."""
    shutil.copytree(index.path, folder)
    return Index.open(folder, by="Ada")


def tiny(folder: Path) -> str:
    return write_model(folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a small, randomly initialised model in a folder of its own."""
    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Index:
    """An index to copy; nobody writes to it."""
    return piled(tmp_path_factory.mktemp("pattern"), tiny_model)


@pytest.fixture
def index(pattern: Index, tmp_path: Path) -> Index:
    """Twelve pictures, of which eight are labelled; the pictures are shared."""
    return copied(pattern, tmp_path / "index")


@pytest.fixture
def page(index: Index) -> Iterator[Live]:
    """Its page."""
    with live(index) as served:
        yield served


def png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def dicom(picture: Image.Image) -> bytes:
    """A picture as a DICOM file."""
    grey = np.asarray(picture.convert("L"))
    scan = pydicom.Dataset()
    scan.file_meta = pydicom.dataset.FileMetaDataset()
    scan.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    scan.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    scan.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    scan.SOPClassUID, scan.SOPInstanceUID = pydicom.uid.SecondaryCaptureImageStorage, "1.2.3"
    scan.Modality, scan.PhotometricInterpretation = "OT", "MONOCHROME2"
    scan.Rows, scan.Columns = grey.shape
    scan.SamplesPerPixel, scan.PixelRepresentation = 1, 0
    scan.BitsAllocated = scan.BitsStored = 8
    scan.HighBit = 7
    scan.PixelData = grey.tobytes()
    stream = io.BytesIO()
    scan.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def pdf(pictures: list[Image.Image]) -> bytes:
    stream = io.BytesIO()
    pictures[0].save(stream, "PDF", save_all=True, append_images=pictures[1:])
    return stream.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()
