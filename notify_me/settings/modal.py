"""`[modal]`: the form."""

from __future__ import annotations

from pydantic import Field

from .base import Group


class Modal(Group):
    """`[modal]`: the words of the form. `{product_name}` and `{variant_name}` are filled in."""

    headline: str = Field(
        "{product_name}", min_length=1, max_length=200, description="The form's title."
    )
    body_content: str = Field(
        "Tell us where to write, and we'll let you know when it's back.",
        max_length=1000,
        description="The text below the title; empty for none.",
    )
