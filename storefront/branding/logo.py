"""Downloads a logo, checks it, and makes the shop's copy of it."""

from __future__ import annotations

import warnings
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from ..base.fetching import Unavailable, fetch

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 4 * 1024 * 1024
MAX_PIXELS = 4000 * 4000
MAX_SIZE = (800, 160)
"""The maximum size of the copy in pixels; pages show a logo at 240 × 40 CSS pixels or smaller."""


class LogoError(Exception):
    """The logo can't be used; the message is the reason."""


def download(url: str, *, allow_private: bool) -> bytes:
    """Return the logo at a URL as a WebP image of at most `MAX_SIZE`. Raises `LogoError`.

    `allow_private` permits IP addresses on private networks, for the sandbox.
    """
    try:
        content = fetch(url, allow_private=allow_private)
    except Unavailable as error:
        raise LogoError(f"its image is {error}") from None
    return copy(content)


def copy(content: bytes) -> bytes:
    """Return the shop's copy of an image. Raises `LogoError` if the image can't be used."""
    if len(content) > MAX_BYTES:
        raise LogoError(f"its image is larger than {MAX_BYTES // 1024**2} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns about suspiciously large images
            image = Image.open(BytesIO(content), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise LogoError(
                    f"its image is {image.width} × {image.height} pixels; the limit is "
                    f"{MAX_PIXELS // 1_000_000} megapixels"
                )
            with_alpha = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning):
        raise LogoError("its image isn't a valid PNG, JPEG or WebP file") from None
    if not with_alpha.getbbox():
        raise LogoError("its image is empty")
    with_alpha.thumbnail(MAX_SIZE)
    buffer = BytesIO()
    with_alpha.save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()
