"""The map: all images in two dimensions, drawn by the browser from one binary answer."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from mediclip_index.web.requests import TheIndex, TheSite, page

router = APIRouter()
COLOURS = ("verdict", "label", "unsure", "source", "correct")
MOST_VALUES = 12  # that have colours of their own


@router.get("/map", response_class=HTMLResponse)
def shown(request: Request, index: TheIndex) -> HTMLResponse:
    """Where the map is drawn, and how it is coloured."""
    points = index.map.points()
    return page(
        request, "map.html", points=points, colours=COLOURS, classes=index.info().classes,
        kinds=index.labels.kinds(), count=0 if points is None else len(points.ids),
    )  # fmt: skip


@router.get("/map/points", response_class=Response)
def points(site: TheSite, index: TheIndex, colour: str = "verdict") -> Response:
    """All points: the length of a JSON header as uint32, the header (`names` of the values, number
    `n` of points), and from the next multiple of eight bytes n ids as float64, n x and n y as
    float32, and n values as bytes (255: none), all little-endian."""
    found = index.map.points()
    if found is None:
        return _packed([], np.zeros(0, "<i8"), np.zeros((0, 2)), np.zeros(0, np.uint8))
    by = colour if colour in COLOURS else COLOURS[0]
    names, values = site.listing.coloured(found.ids, by, MOST_VALUES)
    return _packed(names, found.ids, found.xy, values)


def _packed(names: list[str], ids: Any, xy: Any, values: Any) -> Response:
    head = json.dumps({"names": names, "n": len(ids)}).encode()
    head += b" " * (-(len(head) + 4) % 8)
    body = (
        np.ascontiguousarray(ids, dtype="<f8").tobytes()
        + np.ascontiguousarray(xy[:, 0], dtype="<f4").tobytes()
        + np.ascontiguousarray(xy[:, 1], dtype="<f4").tobytes()
        + values.tobytes()
    )
    data = struct.pack("<I", len(head)) + head + body
    return Response(data, media_type="application/octet-stream")
