"""Coordinates of the charts, which templates render as SVG.

A chart is stretched to the width of its container. Its labels must not be stretched, so they are
outside the SVG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEIGHT = 100
STEP = 10
"""The distance from one column to the next."""
COLUMN_WIDTH = 7
MARGIN = (STEP - COLUMN_WIDTH) / 2
TREND_DAYS = 7
"""The trend is the average of a week, so that weekends don't look like a trend."""
MAX_TICKS = 7
"""The maximum number of labels on the time axis. Phones show only every second label."""


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """A column chart."""

    width: int
    top: int
    """The value at the top of the chart."""
    heights: tuple[float, ...]
    """The height of each column, scaled so that `top` has the height `HEIGHT`."""

    @property
    def middle(self) -> str:
        """The value at half the height if it is a whole number, else an empty string."""
        return f"{self.top // 2:,}" if self.top % 2 == 0 else ""

    @property
    def trend(self) -> str:
        """The average of each day and the six before it, as the `points` of a polyline; empty for a
        chart of a week or less.
        """
        if len(self.heights) <= TREND_DAYS:
            return ""
        return " ".join(
            f"{index * STEP + STEP / 2:g},{HEIGHT - sum(week) / len(week):.2f}"
            for index in range(TREND_DAYS - 1, len(self.heights))
            if (week := self.heights[index - TREND_DAYS + 1 : index + 1])
        )

    @property
    def ticks(self) -> range:
        """The indexes of the columns with a label on the axis. The last column always has one."""
        count = len(self.heights)
        days = next(days for days in (1, 7, 14, 28, 91) if count <= days * MAX_TICKS)
        return range((count - 1) % days, count, days)

    @property
    def path(self) -> str:
        """All columns except empty ones, as the `d` attribute of a single path."""
        return "".join(
            f"M{index * STEP + MARGIN:g} {HEIGHT}V{HEIGHT - height:g}h{COLUMN_WIDTH}V{HEIGHT}z"
            for index, height in enumerate(self.heights)
            if height
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a bar, in percent of the full width."""

    name: str
    x: float
    width: float


def column_chart(counts: Sequence[int], top: int | None = None) -> ColumnChart:
    """Return a chart with a column for each count. By default, `top` is a round number that no
    count exceeds.
    """
    top = top or round_up(max(counts, default=0))
    heights = tuple(round(count / top * HEIGHT, 2) for count in counts)
    return ColumnChart(STEP * len(counts), top, heights)


def bar(parts: Mapping[str, int], whole: int) -> tuple[Segment, ...]:
    """Return a stacked bar, as wide as its container if the parts add up to `whole`."""
    segments, x = [], 0.0
    for name, count in parts.items():
        if count:
            width = count / max(whole, 1) * 100
            segments.append(Segment(name, round(x, 2), round(width, 2)))
            x += width
    return tuple(segments)


def round_up(number: int) -> int:
    """Round up to a number that is easy to read on an axis: 1, 2, 4, 6, 10, 20, 40, 60, 100 …"""
    power = 1
    while True:
        for digit in (1, 2, 4, 6):
            if number <= digit * power:
                return digit * power
        power *= 10
