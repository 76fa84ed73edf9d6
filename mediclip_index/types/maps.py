"""The map: all images of an index in two dimensions."""

from __future__ import annotations

from dataclasses import dataclass

from mediclip_index.types.options import Options, option
from mediclip_index.types.words import Ids, Vectors


@dataclass(frozen=True)
class MapOptions(Options):
    """How a map is made. It is made anew where there is none, where most images came after it, or
    where `anew` asks for it; else what is new is placed on it, and nothing that it shows moves."""

    landmarks: int = option(
        50_000, "Images that are laid out; the others are placed among them.", least=1
    )
    seed: int = option(0, "Chooses the landmarks, and where they come to lie.", least=0)
    anew: bool = option(False, "Make it anew, whatever is there.")


@dataclass(frozen=True)
class MapReport:
    """What making a map did. made: "anew", "extended", or "unchanged". images: those it now has a
    place for, of which `landmarks` were laid out; placed: those that this run gave a place."""

    path: str
    made: str
    images: int
    landmarks: int
    placed: int


@dataclass(frozen=True, eq=False)
class MapPoints:
    """Where images lie: ids (n,), in order, and xy (n, 2) float32 from -1 to 1. It knows the images
    up to transaction `tx`; lacking: images that are there and have no place yet."""

    ids: Ids
    xy: Vectors
    tx: int
    lacking: int
