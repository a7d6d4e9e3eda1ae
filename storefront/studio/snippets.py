"""Imports Klaviyo's older back-in-stock script into a visitor's look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notify_me import studio

from .changes import check


class SnippetUnreadable(ValueError):
    """The script can't be read; the message is a sentence for the form."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an import."""

    settings: Mapping[str, Any]
    """The imported settings by dotted key."""
    environment: Mapping[str, str]
    notes: Mapping[str, list[studio.Note]]
    """Notes by the title of their group."""
    not_applied: Mapping[str, str]
    """Why settings can't be used in this shop, by dotted key."""


def read(text: str, changes: Mapping[str, Any]) -> Report:
    """Read a script, and check its settings together with `changes`; raises `SnippetUnreadable`."""
    size = len(text.encode())
    if size > studio.SNIPPET_LIMIT:
        raise SnippetUnreadable(
            f"This script is {size:,} bytes; the limit is {studio.SNIPPET_LIMIT:,}. Paste only "
            "the <script> element that calls klaviyo.init and klaviyo.enable."
        )
    if not text.strip():
        raise SnippetUnreadable(
            'Paste the part of the theme that calls klaviyo.enable("backinstock", {…}).'
        )
    try:
        imported = studio.read_snippet(text)
    except studio.SnippetError as error:
        raise SnippetUnreadable(str(error).rstrip(".") + ".") from None
    settings = {
        f"{table}.{name}": value
        for table, values in imported.settings.items()
        for name, value in values.items()
    }
    not_applied: dict[str, str] = {}
    # leave out settings that need something this shop doesn't have, such as a list
    while settings and (problems := check({**changes, **settings}).problems):
        invalid = [key for key in problems if key in settings]
        if not invalid:
            raise SnippetUnreadable(
                f"These settings can't be used here: {' '.join(problems.values())}"
            )
        for key in invalid:
            not_applied[key] = problems[key]
            del settings[key]
    notes = {
        title: [note for note in imported.notes if note.kind == kind]
        for kind, title in studio.TITLES.items()
    }
    return Report(
        settings,
        imported.environment,
        {title: group for title, group in notes.items() if group},
        not_applied,
    )
