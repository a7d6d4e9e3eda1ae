"""Write settings as TOML, and the result of an import as a report for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .convert import ImportedSnippet
from .errors import load_module, one_line
from .options import TARGETS, NoteKind

TITLES: dict[NoteKind, str] = {
    "imported": "Imported",
    "changed": "Imported with changes",
    "no_effect": "Nothing to import",
    "not_supported": "Not imported",
}
"""The groups of a report, in the order in which they appear."""


def as_toml(imported: ImportedSnippet) -> str:
    """Return the settings as TOML, with comments on what was changed or not imported.

    Raises `MissingExtraError` if tomlkit isn't installed.
    """
    comments = ["Imported from Klaviyo's back-in-stock snippet."]
    if imported.environment:
        comments += ["These belong in the environment (.env), not in this file:"]
        comments += _environment(imported)
    changed = [note.option for note in imported.notes if note.kind == "changed"]
    remarks: dict[tuple[str, ...], str] = {
        (target.table, target.key): "changed: see the report"
        for option, target in TARGETS.items()
        if option in changed
    }
    text = dump_toml(imported.settings, comments=comments, remarks=remarks)
    if missing := _notes(imported, "not_supported"):
        text += "\n# Not imported:\n" + "".join(f"# {note}\n" for note in missing)
    return text


def report(imported: ImportedSnippet) -> str:
    """Return what happened to every option, as plain text."""
    groups = [
        (f"{title} ({len(notes)})", notes)
        for kind, title in TITLES.items()
        if (notes := _notes(imported, kind))
    ]
    if imported.environment:
        groups.insert(0, ("For the environment (.env)", _environment(imported)))
    blocks = ("\n  ".join([title, *lines]) for title, lines in groups)
    return "\n\n".join(blocks) + "\n"


def _environment(imported: ImportedSnippet) -> list[str]:
    return [f"{name}={value}" for name, value in imported.environment.items()]


def _notes(imported: ImportedSnippet, kind: NoteKind) -> list[str]:
    return [
        f"line {note.line}: {one_line(note.option)}: {note.reason}"
        for note in imported.notes
        if note.kind == kind
    ]


def dump_toml(
    settings: Mapping[str, Any],
    *,
    comments: Sequence[str] = (),
    remarks: Mapping[tuple[str, ...], str] | None = None,
) -> str:
    """Return settings by table as a TOML document.

    `comments` are lines at its top, and `remarks` are comments after keys, such as
    `{("modal", "headline"): "…"}`. Raises `MissingExtraError` if tomlkit isn't installed.
    """
    tomlkit = load_module("tomlkit")
    document = tomlkit.document()
    for line in comments:
        document.add(tomlkit.comment(line))
    for name, values in settings.items():
        if comments or name != next(iter(settings)):
            document.add(tomlkit.nl())
        document.add(name, _table(tomlkit, values, (name,), remarks or {}))
    text: str = tomlkit.dumps(document)
    return text.rstrip("\n") + "\n"


def _table(
    tomlkit: Any,
    values: Mapping[str, Any],
    path: tuple[str, ...],
    remarks: Mapping[tuple[str, ...], str],
) -> Any:
    table = tomlkit.table()
    # in TOML, keys after a table header belong to that table, so inner tables come last
    for key, value in sorted(values.items(), key=lambda item: isinstance(item[1], Mapping)):
        if isinstance(value, Mapping):
            table.add(key, _table(tomlkit, value, (*path, key), remarks))
            continue
        item = tomlkit.item(value)
        if remark := remarks.get((*path, key)):
            item.comment(remark)
        table.add(key, item)
    return table
