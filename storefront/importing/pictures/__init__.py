"""Copies the pictures of imported products into `instance/pictures/`, resized for the pages."""

from .run import Pictures, download_pictures, link_pictures

__all__ = ["Pictures", "download_pictures", "link_pictures"]
