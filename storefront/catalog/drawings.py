"""The products' drawings: SVG templates, tinted in a variant's colour.

Each drawing in each colour has its own URL, which browsers cache for a year. The URL's `v`
parameter changes with the drawing.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Response, abort, render_template, url_for

FOLDER = Path(__file__).parents[2] / "templates" / "drawings"
INK = (16, 28, 38)
LAMPLIGHT = (255, 246, 224)

blueprint = Blueprint("drawings", __name__)


class Palette(NamedTuple):
    """Lighter and darker tones of a colour, each as `#rrggbb`."""

    glow: str
    light: str
    base: str
    shade: str
    deep: str
    line: str


def palette(color: str) -> Palette:
    """Return the tones of `color` (`#rrggbb`), mixed with lamplight or with ink."""
    return Palette(
        glow=_mix(color, LAMPLIGHT, 0.52),
        light=_mix(color, LAMPLIGHT, 0.22),
        base=color,
        shade=_mix(color, INK, 0.24),
        deep=_mix(color, INK, 0.46),
        line=_mix(color, INK, 0.72),
    )


def _mix(color: str, other: tuple[int, int, int], share: float) -> str:
    mixed = (
        round(a + (b - a) * share) for a, b in zip(bytes.fromhex(color[1:]), other, strict=True)
    )
    return "#" + bytes(mixed).hex()


@cache
def drawing_names() -> list[str]:
    """Return the names of all drawings."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.svg"))


def drawing_url(name: str, color: str) -> str:
    """Return the URL of a drawing in a colour (`#rrggbb`)."""
    return url_for("drawings.drawing", name=name, color=color[1:], v=_version(name))


@cache
def _version(name: str) -> str:
    digest = hashlib.sha256()
    for path in (FOLDER / "_parts.svg", FOLDER / f"{name}.svg"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


@blueprint.get("/drawings/<name>/<color>.svg")
def drawing(name: str, color: str) -> Response:
    """Return a drawing as an SVG image.

    :raise 404: there is no such drawing, or the colour isn't six hexadecimal digits.
    """
    if name not in drawing_names() or not re.fullmatch(r"[0-9a-f]{6}", color):
        abort(404)
    svg = render_template(f"drawings/{name}.svg", p=palette(f"#{color}"))
    response = Response(svg, mimetype="image/svg+xml")
    response.cache_control.public = True
    response.cache_control.max_age = 31_536_000
    response.cache_control.immutable = True
    return response
