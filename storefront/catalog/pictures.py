"""The pictures of products: which one a page shows, and the shop's own copies in `instance/`.

Imported products have pictures. A drawing is shown for a product that has no picture, or whose
picture couldn't be downloaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, send_from_directory, url_for

from ..base.current_shop import cached_import
from ..base.models import Picture, Product, ProductVariant
from .drawings import drawing_url

WIDTHS = (320, 640, 1280)
"""The widths of the copies for pages (WebP), in pixels."""
JPEG_WIDTH = 800
"""The width in pixels of the copy for emails, feeds and search engines, some of which can't read
WebP.
"""
MAX_AGE = 31_536_000
"""Seconds a browser may cache a copy, which never changes."""
COPY_NAME = re.compile(rf"[0-9a-f]{{32}}-(({'|'.join(map(str, WIDTHS))})\.webp|{JPEG_WIDTH}\.jpg)")

blueprint = Blueprint("pictures", __name__)


@dataclass(frozen=True, slots=True)
class Image:
    """An image for a page."""

    url: str
    alt: str = ""
    """The merchant's alternative text; may be empty."""
    srcset: str = ""
    """The copies with their widths, for the `srcset` attribute; empty if there are no copies."""
    width: int | None = None
    height: int | None = None
    """The size in pixels; None if it isn't known, as for pictures on other servers."""
    is_drawing: bool = False

    @property
    def is_portrait(self) -> bool:
        """Whether the image is clearly taller than wide."""
        return bool(self.width and self.height and self.height > 1.15 * self.width)

    def nearly_fits(self, ratio: float) -> bool:
        """Whether cropping the image to `ratio` (width divided by height) removes little of it."""
        return bool(self.width and self.height and 0.85 < self.width / self.height / ratio < 1.18)


def product_image(product: Product, color: str) -> Image:
    """Return the first picture of a product, otherwise its drawing in this colour (`#rrggbb`)."""
    return _image(_shown_picture(product), drawing_url(product.drawing, color))


def variant_image(variant: ProductVariant) -> Image:
    """Return a variant's picture, otherwise its drawing. The product's options must be loaded."""
    product = variant.product
    drawing = drawing_url(product.drawing, variant.drawing_color)
    return _image(_shown_picture(product, variant.picture), drawing)


def variant_image_url(variant: ProductVariant) -> str:
    """Return the URL of a variant's image for emails, feeds and search engines; may be a path."""
    picture = _shown_picture(variant.product, variant.picture)
    if picture is None:
        return drawing_url(variant.product.drawing, variant.drawing_color)
    return _copy_url(picture, f"{JPEG_WIDTH}.jpg") if "file" in picture else picture["url"]


def _shown_picture(product: Product, own: str = "") -> Picture | None:
    """Return the picture with the URL `own`, otherwise the first; None if neither can be shown."""
    pictures = [picture for picture in product.pictures if own and picture["url"] == own]
    pictures += product.pictures[:1]
    return next((picture for picture in pictures if "file" in picture or is_linked(picture)), None)


def _image(picture: Picture | None, drawing: str) -> Image:
    if picture is None:
        return Image(drawing, width=800, height=800, is_drawing=True)
    if "file" not in picture:
        return Image(picture["url"], picture["alt"])
    width, height = picture["width"], picture["height"]
    # a picture is never enlarged, so all copies wider than the picture are identical
    widths = WIDTHS[: 1 + sum(copy < width for copy in WIDTHS)]
    urls = [_copy_url(picture, f"{copy}.webp") for copy in widths]
    srcset = [f"{url} {min(copy, width)}w" for url, copy in zip(urls, widths, strict=True)]
    return Image(urls[-1], picture["alt"], ", ".join(srcset), width, height)


def _copy_url(picture: Picture, size: str) -> str:
    return url_for("pictures.copy", name=f"{picture['file']}-{size}")


def is_linked(picture: Picture) -> bool:
    """Whether pages load the picture from its original server."""
    imported = cached_import()
    return bool(imported and origin(picture["url"]) in imported.picture_origins)


def linked_origins() -> list[str]:
    """Return the origins that pages may load pictures from, for the security policy."""
    imported = cached_import()
    return imported.picture_origins if imported else []


def origin(url: str) -> str | None:
    """Return the origin of a URL, such as `https://cdn.example.com`; None if the URL is invalid or
    isn't HTTPS.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    # strict, since the origin becomes part of a header
    if parts.scheme != "https" or not re.fullmatch(r"[a-z0-9.-]+(:\d+)?", parts.netloc.lower()):
        return None
    return f"https://{parts.netloc.lower()}"


def folder() -> Path:
    """Return the folder of the copies."""
    return Path(current_app.instance_path) / "pictures"


@blueprint.get("/pictures/<name>")
def copy(name: str) -> Response:
    """Return a copy of a picture.

    :raise 404: there is no such copy.
    """
    if not COPY_NAME.fullmatch(name):
        abort(404)
    response = send_from_directory(folder(), name, max_age=MAX_AGE)
    response.cache_control.no_cache = None
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
