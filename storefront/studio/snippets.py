"""The box for Klaviyo's older snippet: what came over, onto a visitor's look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from notify_me import studio

from .changes import check


class Unread(ValueError):
    """The snippet can't be read; the text is a sentence for beside the box."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an import gave."""

    settings: Mapping[str, Any]
    """What came over and holds, by dotted key."""
    environment: Mapping[str, str]
    groups: Mapping[str, list[studio.Note]]
    """The notes by the title of their group."""
    held_back: Mapping[str, str]
    """What came over and doesn't hold in this shop, with the reason, by dotted key."""


def read(text: str, changes: Mapping[str, Any]) -> Report:
    """Read a snippet that is to go over `changes`; raises `Unread`."""
    size, most = len(text.encode()), studio.SNIPPET_LIMIT
    if size > most:
        raise Unread(
            f"That is {size:,} bytes, and {most:,} at most are read here: paste the "
            "<script> with the two klaviyo calls alone."
        )
    if not text.strip():
        raise Unread('Paste the part of the theme that calls klaviyo.enable("backinstock", {…}).')
    try:
        imported = studio.read_snippet(text)
    except studio.SnippetError as error:
        raise Unread(str(error).rstrip(".") + ".") from None
    settings = dict(_flat(imported.settings))
    held_back: dict[str, str] = {}
    # what needs more than this shop has, such as a list, stays behind; the rest comes over
    while settings and (problems := check({**changes, **settings}).problems):
        blamed = [key for key in problems if key in settings]
        if not blamed:
            raise Unread("These settings don't hold here: " + " ".join(problems.values()))
        for key in blamed:
            held_back[key] = problems[key]
            del settings[key]
    groups = {
        title: [note for note in imported.notes if note.kind == kind]
        for kind, title in studio.TITLES.items()
    }
    return Report(
        settings,
        imported.environment,
        {title: notes for title, notes in groups.items() if notes},
        held_back,
    )


def _flat(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for table, settings in tables.items():
        for key, value in settings.items():
            yield f"{table}.{key}", value
