"""A large index without its pictures: real vectors and thumbnails, repeated with noise.

    python -m benchmarks.synthetic_index --size 100000 --into FOLDER [--pictures FOLDER]

Each image has the vector of a real picture (of the sample collection, or of a folder) with noise
added, a content hash of its own, and that picture's thumbnail as a hard link, so that whatever is
measured meets an index of its size; no file of it can be read again. A tenth of the images is
labelled. What is there already is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mediclip_index import reading, verdict
from mediclip_index.catalog import images, labels, models, presence, previews, provenance
from mediclip_index.catalog.images import NewFile, NewImage
from mediclip_index.catalog.models import StoredEncoder
from mediclip_index.index import Index
from mediclip_index.jobs import ann_index
from mediclip_index.reading.pool import Readers, ReadSpec
from mediclip_index.session.session import Session, sample_pictures
from mediclip_index.session.snapshot import open_snapshot
from mediclip_index.types import Facts, Picture, Vectors

PIECE = 10_000
NOISE = 0.35  # of a vector's length; look-alikes of one kind are about as far apart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, help="a folder instead of the sample collection")
    options = parser.parse_args()
    index = Index.open(options.into) if Index.exists(options.into) else Index.create(options.into)
    session = index._session
    with session.catalog.reading() as read:
        known = models.encoder(read)
    encoder = session.encoder(known)
    pictures = (
        sample_pictures(encoder.image_size)
        if options.pictures is None
        else _pictures(options.pictures, session)
    )
    fill(session, known, pictures, encoder.encode_pictures(pictures), options.size)
    print(index.info().index)


def fill(
    session: Session,
    known: StoredEncoder,
    pictures: Sequence[Picture],
    vectors: Vectors,
    size: int,
) -> None:
    """Add images until there are `size`, and bring the neighbour files up to them."""
    classes = open_snapshot(session).text_classifier.vectors
    words = verdict.zero_shot(vectors, classes, known.logit_scale).classes.argmax(axis=1)
    shots = [_jpeg(picture) for picture in pictures]
    folder = session.catalog.folder
    originals: dict[int, int] = {}
    with session.catalog.writing("build", by=session.author) as write:
        source = provenance.add_source(write, "/synthetic", labels="none")
    with session.catalog.reading() as read:
        there = presence.image_count(read)
    for start in range(there, size, PIECE):
        count = min(PIECE, size - start)
        rng = np.random.default_rng(start)
        which = rng.integers(len(pictures), size=count)
        noisy = vectors[which] + NOISE / np.sqrt(known.dim) * rng.standard_normal(
            (count, known.dim), dtype=np.float32
        )
        noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
        new, files = [], []
        for n in range(count):
            sha = hashlib.sha256(f"{start + n}".encode()).hexdigest()
            picture = pictures[which[n]]
            new.append(
                NewImage(
                    sha, None, None, picture.width, picture.height, picture.format, 50_000,
                    {}, noisy[n], picture.thumbnail,
                )
            )  # fmt: skip
            files.append(
                NewFile(f"/synthetic/{which[n] % 40:02}/{start + n:07}.jpg", 50_000, 1, sha)
            )
        with session.catalog.writing("build", by=session.author) as write:
            images.add_images(write, known, new, ())
            images.add_files(write, source, files, ())
            ids = sorted(i for found in images.added(write).values() for i in found)
            said = {
                ids[n]: Facts(label=classes.classes[words[which[n]]]) for n in range(0, count, 10)
            }
            labels.say(write, said)
        for image, picture in zip(ids, which.tolist(), strict=True):
            _link(folder, image, picture, shots[picture], originals)
        print(start + count, flush=True)
    session.catalog.checkpoint()
    ann_index.refresh_neighbours(session, known)


def _jpeg(picture: Picture) -> bytes:
    small = Image.fromarray(picture.pixels)
    small.thumbnail((previews.SIDES[0],) * 2)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _link(folder: Path, image: int, picture: int, shot: bytes, originals: dict[int, int]) -> None:
    """The preview of an image, as a link to that of an earlier one with the same picture."""
    side = previews.SIDES[0]
    if picture not in originals:
        previews.put(folder, image, side, shot)
        originals[picture] = image
        return
    place = previews.file_of(folder, image, side)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(previews.file_of(folder, originals[picture], side), place)
    except OSError:  # too many links of one file
        originals[picture] = image
        previews.put(folder, image, side, shot)


def _pictures(folder: Path, session: Session, most: int = 2_000) -> list[Picture]:
    with session.catalog.reading() as read:
        encoder = session.encoder(models.encoder(read))
    entries = reading.scan(str(folder), labels="none").entries
    chosen = entries[:: max(1, len(entries) // most)]
    with Readers() as readers:
        loaded = list(readers.ahead(chosen, ReadSpec(encoder)))
    return [picture for one in loaded for picture in one.pictures[:1]]


if __name__ == "__main__":
    main()
