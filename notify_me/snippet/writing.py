"""What an import gives a person: a TOML file with comments, and a report for the terminal."""

from __future__ import annotations

from .convert import Imported, Note
from .options import TARGETS, Kind
from .source import plain
from .toml_writer import written

TITLES: dict[Kind, str] = {
    "taken": "Came over",
    "changed": "Changed on purpose",
    "no_effect": "Has no effect in Klaviyo's own script",
    "not_supported": "Not supported",
}
"""The groups of a report, in its order."""


def as_toml(imported: Imported) -> str:
    """The settings as a TOML document, with comments on what differs and what stayed behind.

    Raises `SnippetError` if tomlkit isn't installed.
    """
    head = ["Read from Klaviyo's old back-in-stock snippet."]
    if imported.environment:
        head.append("These belong in the environment (.env), not in this file:")
        head += [f"{name}={plain(value, 100)}" for name, value in imported.environment.items()]
    body = written(imported.settings, head=head, remarks=_remarks(imported.notes))
    lines = "".join(f"# {line}\n" if line else "\n" for line in _tail(imported))
    return body + (f"\n{lines}" if lines else "")


def report(imported: Imported) -> str:
    """Every option in plain text, grouped by what became of it."""
    blocks = []
    if imported.environment:
        lines = [f"  {name}={plain(value, 100)}" for name, value in imported.environment.items()]
        blocks.append("\n".join(["For the environment (.env)", *lines]))
    for kind, title in TITLES.items():
        notes = [note for note in imported.notes if note.kind == kind]
        if notes:
            lines = [f"  line {note.line}: {note.option}: {note.reason}" for note in notes]
            blocks.append("\n".join([f"{title} ({len(notes)})", *lines]))
    return "\n\n".join(blocks) + "\n"


def _remarks(notes: list[Note]) -> dict[tuple[str, ...], str]:
    remarks: dict[tuple[str, ...], str] = {}
    for note in notes:
        target = TARGETS.get(note.option)
        if target is None:
            continue
        if note.kind == "changed":
            remarks[target.table, target.key] = "changed: see the report"
        elif note.kind == "no_effect" and target.unused:
            remarks[target.table, target.key] = "has no effect in Klaviyo's own script"
    return remarks


def _tail(imported: Imported) -> list[str]:
    lines = []
    if imported.integration:
        lines += [
            "If Klaviyo has your products from this platform, the composite IDs of the shop's",
            f"catalog begin with {imported.integration}:::",
        ]
    left = [note for note in imported.notes if note.kind == "not_supported"]
    if left:
        lines += [""] * bool(lines) + ["Not taken over:"]
        lines += [f"{note.option} (line {note.line}): {note.reason}" for note in left]
    return lines
