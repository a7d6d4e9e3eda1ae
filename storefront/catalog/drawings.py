"""The products' drawings: SVG templates of ours, tinted in a variant's colour.

A drawing is an image with an address of its own, so that pages stay small and a browser
keeps it for a year; `v` in the address changes with the drawing.
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
LAMP = (255, 246, 224)

blueprint = Blueprint("drawings", __name__)


class Palette(NamedTuple):
    """A colour with its lights and shades, as `#rrggbb`."""

    glow: str
    light: str
    base: str
    shade: str
    deep: str
    line: str


def palette(colour: str) -> Palette:
    """Lights lean to lamp light and shades to ink, as things outdoors do."""
    base = (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))
    return Palette(
        glow=_mix(base, LAMP, 0.52),
        light=_mix(base, LAMP, 0.22),
        base=_mix(base, LAMP, 0.0),
        shade=_mix(base, INK, 0.24),
        deep=_mix(base, INK, 0.46),
        line=_mix(base, INK, 0.72),
    )


@cache
def names() -> list[str]:
    """The drawings that there are."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.svg"))


def drawing_url(name: str, colour: str) -> str:
    """The address of a drawing in a colour."""
    return url_for("drawings.drawing", name=name, colour=colour[1:], v=_version(name))


@blueprint.get("/drawings/<name>/<colour>.svg")
def drawing(name: str, colour: str) -> Response:
    """A drawing as an image.

    :raise 404: there is no such drawing, or the colour isn't six hexadecimal digits.
    """
    if name not in names() or not re.fullmatch(r"[0-9a-f]{6}", colour):
        abort(404)
    svg = render_template(f"drawings/{name}.svg", p=palette(f"#{colour}"))
    response = Response(svg, mimetype="image/svg+xml")
    response.cache_control.public = True
    response.cache_control.max_age = 31_536_000
    response.cache_control.immutable = True
    return response


@cache
def _version(name: str) -> str:
    digest = hashlib.sha256()
    for path in (FOLDER / "_parts.svg", FOLDER / f"{name}.svg"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _mix(colour: tuple[int, int, int], other: tuple[int, int, int], share: float) -> str:
    mixed = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)
