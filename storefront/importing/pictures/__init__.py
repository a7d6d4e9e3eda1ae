"""Copies the pictures of imported products into `instance/pictures/`, resized for the pages."""

from .command import add_pictures

__all__ = ["add_pictures"]
