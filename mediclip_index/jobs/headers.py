"""What the DICOM headers of pictures say, under a prompt set."""

from __future__ import annotations

from collections.abc import Sequence

from mediclip_index import verdict
from mediclip_index.catalog import ReadTransaction, indexed
from mediclip_index.types import HeaderVote, Picture
from mediclip_index.verdict import PromptEmbeddings


def header_of_picture(picture: Picture, words: PromptEmbeddings) -> HeaderVote | None:
    """Of a picture that was just read."""
    if picture.format != "DICOM":
        return None
    about = picture.metadata
    return verdict.header_vote(str(about.get("modality", "")), about.get("captured") != "NO", words)


def dicom_headers(
    read: ReadTransaction, words: PromptEmbeddings, ids: Sequence[int]
) -> list[HeaderVote | None]:
    """Of indexed images, in the order of their ids."""
    stated = indexed.dicom_headers(read, ids)
    return [verdict.header_vote(*stated.get(i, ("", False)), words) for i in ids]
