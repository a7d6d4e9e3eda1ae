"""`[page]`: the form as a page of the shop."""

from __future__ import annotations

from pydantic import Field

from ..base import SettingsTable


class Page(SettingsTable):
    """`[page]`: the form as a page, for direct links and shoppers without JavaScript."""

    template: str = Field("base.html", pattern=r"[\w./-]+", title="Page template")
    """The shop's template that the page extends. If the template or its block doesn't exist, the
    kit's plain layout is used.
    """
    block: str = Field("main", pattern=r"[A-Za-z_]\w*", title="Template block")
    """The template's block that contains the form. The page also fills the `title` and `head`
    blocks.
    """
