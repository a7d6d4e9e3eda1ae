"""What one visitor has of their own: nothing that they choose changes others' shop."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, current_app

from notify_me import VisitorOverrides

NAME = "storefront_visitor"


def add_source(app: Flask, source: Callable[[], VisitorOverrides | None]) -> None:
    """Let a package such as the Studio say, within a request, what its visitor has of their own."""
    app.extensions.setdefault(NAME, []).append(source)


def visitor() -> VisitorOverrides | None:
    """What all sources say of this request's visitor, put together; None if none knows them."""
    sources: list[Callable[[], VisitorOverrides | None]] = current_app.extensions.get(NAME, [])
    known = [found for source in sources if (found := source())]
    if not known:
        return None
    return VisitorOverrides(
        settings=next((each.settings for each in known if each.settings), None),
        mode=next((each.mode for each in known if each.mode), None),
    )
