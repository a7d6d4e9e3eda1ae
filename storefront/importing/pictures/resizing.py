"""Makes the shop's copies of a picture."""

from __future__ import annotations

import io
import os
import tempfile
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from ...base.fetching import Unavailable
from ...catalog.pictures import JPEG_WIDTH, WIDTHS

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
"""The supported formats. A picture's format is detected from its content, not from its URL."""
MAX_PIXELS = 60_000_000
UNFINISHED_PREFIX = "unfinished-"
"""The prefix of a file that is being written; an interrupted import may leave one behind."""
MAX_RATIO = 3
"""The maximum ratio of a copy's height to its width; taller pictures are cropped."""
_SRGB = ImageCms.createProfile("sRGB")
# at most two at a time, since a picture may need several hundred MB of memory until it is resized
_decoding = threading.Semaphore(2)
# larger pictures are refused here, so Pillow needn't warn about them
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def make_copies(content: bytes, folder: Path, name: str) -> tuple[int, int]:
    """Write the copies of a picture to `folder`; return the width and height of the largest.

    Raises `Unavailable` if the picture is damaged, too large, or in an unsupported format.
    """
    with _decoding:
        picture = _resized(_read(content), WIDTHS[-1])
    _save(_on_white(_resized(picture, JPEG_WIDTH)), folder / f"{name}-{JPEG_WIDTH}.jpg", quality=85)
    for width in WIDTHS:
        copy = _resized(picture, width)
        _save(copy, folder / f"{name}-{width}.webp", quality=80, method=2)
    return picture.size


def size_of_copies(folder: Path, name: str) -> tuple[int, int] | None:
    """Return the size of the largest copy, in pixels. Return None if that copy is damaged, or if
    any copy is missing.
    """
    names = [f"{name}-{JPEG_WIDTH}.jpg", *(f"{name}-{width}.webp" for width in WIDTHS)]
    if not all((folder / copy).is_file() for copy in names):
        return None
    try:
        with Image.open(folder / names[-1]) as picture:
            return picture.size
    except OSError:
        return None


def _read(content: bytes) -> Image.Image:
    """Decode a picture and rotate it according to its EXIF data. The result is RGBA if the picture
    has transparency, otherwise RGB.
    """
    try:
        picture: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        # lets Pillow decode a large JPEG at a reduced size
        picture.draft("RGB", (WIDTHS[-1], WIDTHS[-1]))
        picture = ImageOps.exif_transpose(picture)
        if picture.mode == "I;16":
            # Pillow converts values from 0 to 65,535 as if 255 were white
            picture = picture.point(lambda value: value / 256).convert("L")
        return _in_srgb(picture, "RGBA" if picture.has_transparency_data else "RGB")
    except UnidentifiedImageError:
        raise Unavailable("not in a supported format") from None
    except Image.DecompressionBombError:
        raise Unavailable(f"with more than {MAX_PIXELS // 1_000_000} million pixels") from None
    except Exception:
        # Pillow's decoders raise many kinds of exception, such as struct.error
        raise Unavailable("damaged") from None


def _in_srgb(picture: Image.Image, mode: str) -> Image.Image:
    """Convert a picture to the colours that a browser assumes for the copies, which have no colour
    profile. Photos from phones often have another one, such as Display P3.
    """
    profile = picture.info.get("icc_profile")
    if picture.mode in ("P", "PA", "LA"):
        picture = picture.convert(mode)
    # a profile may be damaged, or unsuitable for the picture
    with suppress(ImageCms.PyCMSError, OSError):
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            picture = ImageCms.profileToProfile(picture, source, _SRGB, outputMode=mode) or picture
    return picture.convert(mode)


def _resized(picture: Image.Image, width: int) -> Image.Image:
    """Return the picture with this width, or with its own width if that is smaller."""
    width = min(width, picture.width)
    height = min(max(1, round(picture.height * width / picture.width)), MAX_RATIO * width)
    if (width, height) == picture.size:
        return picture
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _save(picture: Image.Image, path: Path, **options: Any) -> None:
    """Write a file atomically, even if two imports run at once."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=UNFINISHED_PREFIX, suffix=path.suffix, delete=False
    ) as file:
        try:
            picture.save(file, **options)
            file.close()
            # readable by the web server's user
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(file.name)
            raise
