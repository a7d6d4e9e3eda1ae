"""Charts as SVG, drawn on the server: numbers become shapes here, and markup in the templates.

They have no words inside and stretch to the width that the page has; the words around them are the
page's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEIGHT = 100
STEP = 10
"""The width of a column, of which it fills `FILLED`."""
FILLED = 7


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart; `y` is its upper end, counted from above."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """A chart of columns."""

    width: int
    top: int
    """What a column as high as the chart stands for."""
    columns: tuple[Column, ...]

    @property
    def middle(self) -> str:
        """The number half-way up, where it is a whole one."""
        return f"{self.top // 2:,}" if self.top % 2 == 0 else ""

    @property
    def path(self) -> str:
        """All columns that aren't empty, as the `d` of a single path."""
        return "".join(
            f"M{each.x:g} {HEIGHT}V{each.y:g}h{FILLED}V{HEIGHT}z"
            for each in self.columns
            if each.height
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar, in hundredths of the place it has."""

    name: str
    x: float
    width: float


def columns(counts: Sequence[int], top: int | None = None) -> Columns:
    """A column for each count. `top` is what the chart's height stands for, else a round number."""
    top = top or round_up(max(counts, default=0))
    heights = [round(count / top * HEIGHT, 2) for count in counts]
    space = (STEP - FILLED) / 2
    return Columns(
        width=STEP * len(counts),
        top=top,
        columns=tuple(
            Column(place * STEP + space, round(HEIGHT - height, 2), height)
            for place, height in enumerate(heights)
        ),
    )


def bar(parts: Mapping[str, int], whole: int) -> tuple[Segment, ...]:
    """A bar of parts, which is as long as its place when they add up to `whole`."""
    found, x = [], 0.0
    for name, count in parts.items():
        if count:
            width = count / max(whole, 1) * 100
            found.append(Segment(name, round(x, 2), round(width, 2)))
            x += width
    return tuple(found)


def round_up(number: int) -> int:
    """The next number that is easy to read: 1, 2, 4, 6, 10, or one of these with zeros."""
    power = 1
    while True:
        for first in (1, 2, 4, 6):
            if number <= first * power:
                return first * power
        power *= 10
