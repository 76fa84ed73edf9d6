"""Which pictures on a page are one figure: by where they lie, and nothing else.

Two belong together where

- they lie over each other: at least a fifth of the smaller one's area (the layers of a scan, a
  drawing on its ground, a mark on a photograph); or
- they touch, edge to edge, along half of the shorter edge or more, and are drawn at one resolution
  (the strips and tiles that writers cut a picture into). Edges may be apart, or over each other, by
  what writers round away.

What belongs to one member of a figure belongs to the figure. Two photographs side by side with
paper between them stay two, and so do two that touch at unlike resolutions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

OVERLAP = 0.2  # of the smaller one's area
EDGE = 0.5  # of the shorter edge
APART = 1.05  # points between two edges that touch: some writers know whole points only
ALIKE = 0.03  # resolutions of one figure differ by rounding only
PARALLEL = 0.02  # radians
SHAVED = 0.01  # of a side
EVEN = 0.02  # a figure whose pixels are square but for rounding is as large as it says

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """On a page as it is shown: points, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def within(self, other: Box) -> Box | None:
        """What both have in common, if that is an area."""
        box = Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )
        return box if box.width > 0 and box.height > 0 else None

    def near(self, other: Box, by: float) -> bool:
        return (
            self.left - by <= other.right
            and other.left - by <= self.right
            and self.top - by <= other.bottom
            and other.top - by <= self.bottom
        )


def around(points: Iterable[Point]) -> Box:
    across, down = zip(*points, strict=True)
    return Box(min(across), min(down), max(across), max(down))


@dataclass(frozen=True)
class Placed:
    """A picture of (columns, rows) pixels that lies on a page.

    corners: of all of it, in the order of its own upper left, upper right, lower right and lower
    left. shown: the box around what clipping and the page's edge leave of it.
    """

    columns: int
    rows: int
    corners: tuple[Point, Point, Point, Point]
    shown: Box

    @property
    def across(self) -> Point:
        """Its upper edge."""
        return _minus(self.corners[1], self.corners[0])

    @property
    def down(self) -> Point:
        """Its left edge."""
        return _minus(self.corners[3], self.corners[0])

    @property
    def area(self) -> float:
        return abs(_cross(self.across, self.down))

    @property
    def lying(self) -> tuple[int, int]:
        """Its pixels along the page's width and height."""
        level = abs(self.across[0]) >= abs(self.across[1])
        return (self.columns, self.rows) if level else (self.rows, self.columns)

    @property
    def densities(self) -> tuple[float, float]:
        """Pixels a point along the page's width and height, as it lies there."""
        wide, high = math.hypot(*self.across), math.hypot(*self.down)
        if abs(self.across[0]) < abs(self.across[1]):
            wide, high = high, wide
        return self.lying[0] / wide, self.lying[1] / high


@dataclass(frozen=True)
class Figure:
    """What is one picture to whoever looks at the page.

    width, height: the pixels it is kept in. square: as many as it takes to show it as the page
    does, where those are not square (faxes, pictures drawn out of proportion), and twice as many
    for one that does not lie straight. members: which of the page's pictures it is made of. plain:
    it is one picture, and lies straight.
    """

    box: Box
    width: int
    height: int
    square: tuple[int, int]
    members: tuple[int, ...]
    plain: bool


def figures(placed: Sequence[Placed]) -> list[Figure]:
    """The figures that a page's pictures make, in the order in which their first ones are drawn."""
    groups = _joined(placed)
    return [_figure([placed[i] for i in group], group) for group in groups]


def _figure(members: Sequence[Placed], numbers: Sequence[int]) -> Figure:
    """At the finest resolution of its members."""
    box = around(
        point
        for member in members
        for point in (
            (member.shown.left, member.shown.top),
            (member.shown.right, member.shown.bottom),
        )
    )
    wide = max(member.densities[0] for member in members)
    high = max(member.densities[1] for member in members)
    own = max(1, round(box.width * wide)), max(1, round(box.height * high))
    if len(members) == 1:
        whole = members[0].lying
        own = _unshaven(own[0], whole[0]), _unshaven(own[1], whole[1])
    finest = max(wide, high)
    square = max(1, round(box.width * finest)), max(1, round(box.height * finest))
    straight = all(_straight(member) for member in members)
    if not straight:
        square = 2 * square[0], 2 * square[1]
    elif abs(wide - high) <= EVEN * finest:
        square = own
    return Figure(box, *own, square, tuple(numbers), straight and len(members) == 1)


def _unshaven(part: int, whole: int) -> int:
    """What a page's edge or a clipping takes by a hair makes a picture no smaller."""
    return whole if abs(whole - part) <= max(1, SHAVED * whole) else part


def _joined(placed: Sequence[Placed]) -> list[list[int]]:
    """Numbers of those that belong together; groups and numbers in order."""
    root = list(range(len(placed)))

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = root[number]
        return number

    # Along the page's width or height, where fewer lie side by side: only those that have not
    # ended yet can meet the one that begins.
    boxes = [one.shown for one in placed]
    wide, high = sum(box.width for box in boxes), sum(box.height for box in boxes)
    if wide <= high:
        spans = [(box.left, box.right) for box in boxes]
    else:
        spans = [(box.top, box.bottom) for box in boxes]
    going: list[int] = []
    for number in sorted(range(len(placed)), key=spans.__getitem__):
        going = [other for other in going if spans[other][1] + APART >= spans[number][0]]
        for other in going:
            if (
                boxes[number].near(boxes[other], APART)
                and find(other) != find(number)
                and together(placed[number], placed[other])
            ):
                root[max(find(other), find(number))] = min(find(other), find(number))
        going.append(number)
    groups: dict[int, list[int]] = {}
    for number in range(len(placed)):
        groups.setdefault(find(number), []).append(number)
    return list(groups.values())


def together(one: Placed, other: Placed) -> bool:
    """Whether two pictures are parts of one figure."""
    if not one.shown.near(other.shown, APART):
        return False
    return _over(one, other) or _touching(one, other)


def _over(one: Placed, other: Placed) -> bool:
    common = one.shown.within(other.shown)
    if common is None:
        return False
    least = min(one.shown.width * one.shown.height, other.shown.width * other.shown.height)
    if common.width * common.height < OVERLAP * least:
        return False
    if _straight(one) and _straight(other):
        return True
    # Boxes of turned pictures meet before the pictures do.
    shared = _area(_clipped(_clipped(_hull(one), _hull(other)), _corners(common)))
    return shared >= OVERLAP * min(one.area, other.area, least)


def _touching(one: Placed, other: Placed) -> bool:
    """Edge to edge, in the directions of the first; both at one resolution."""
    length, height = math.hypot(*one.across), math.hypot(*one.down)
    right, down = _scaled(one.across, 1 / length), _scaled(one.down, 1 / height)
    if abs(_dot(right, down)) > PARALLEL:
        return False
    turn = abs(_dot(right, other.across)), abs(_dot(down, other.across))
    if min(turn) > PARALLEL * max(turn):
        return False
    start = one.corners[0]
    box = around(
        (_dot(_minus(point, start), right), _dot(_minus(point, start), down))
        for point in other.corners
    )
    pixels = (other.columns, other.rows) if turn[0] >= turn[1] else (other.rows, other.columns)
    for extent, count, density in (
        (box.width, pixels[0], one.columns / length),
        (box.height, pixels[1], one.rows / height),
    ):
        if abs(extent - count / density) > max(APART, ALIKE * extent):
            return False
    beside = min(abs(box.left - length), abs(box.right)) <= APART
    under = min(abs(box.top - height), abs(box.bottom)) <= APART
    along_side = min(box.bottom, height) - max(box.top, 0.0)
    along_top = min(box.right, length) - max(box.left, 0.0)
    return (beside and along_side >= EDGE * min(box.height, height)) or (
        under and along_top >= EDGE * min(box.width, length)
    )


def _straight(placed: Placed) -> bool:
    (ax, ay), (dx, dy) = placed.across, placed.down
    level = abs(ay) <= PARALLEL * abs(ax) and abs(dx) <= PARALLEL * abs(dy)
    turned = abs(ax) <= PARALLEL * abs(ay) and abs(dy) <= PARALLEL * abs(dx)
    return level or turned


def _hull(placed: Placed) -> list[Point]:
    """Its corners, all in one direction of turning."""
    corners = list(placed.corners)
    return corners if _cross(placed.across, placed.down) >= 0 else corners[::-1]


def _corners(box: Box) -> list[Point]:
    return [
        (box.left, box.top),
        (box.right, box.top),
        (box.right, box.bottom),
        (box.left, box.bottom),
    ]


def _clipped(shape: list[Point], by: list[Point]) -> list[Point]:
    """The part of a convex shape that lies in another (Sutherland and Hodgman)."""
    for start, end in zip(by, [*by[1:], by[0]], strict=True):
        edge = _minus(end, start)
        sides = [_cross(edge, _minus(point, start)) for point in shape]
        kept: list[Point] = []
        for i, point in enumerate(shape):
            before, side = sides[i - 1], sides[i]
            if (before < 0) != (side < 0):
                part = before / (before - side)
                step = _scaled(_minus(point, shape[i - 1]), part)
                kept.append((shape[i - 1][0] + step[0], shape[i - 1][1] + step[1]))
            if side >= 0:
                kept.append(point)
        shape = kept
    return shape


def _area(shape: list[Point]) -> float:
    return abs(sum(_cross(shape[i - 1], point) for i, point in enumerate(shape))) / 2


def _minus(one: Point, other: Point) -> Point:
    return one[0] - other[0], one[1] - other[1]


def _scaled(one: Point, by: float) -> Point:
    return one[0] * by, one[1] * by


def _dot(one: Point, other: Point) -> float:
    return one[0] * other[0] + one[1] * other[1]


def _cross(one: Point, other: Point) -> float:
    return one[0] * other[1] - one[1] * other[0]
