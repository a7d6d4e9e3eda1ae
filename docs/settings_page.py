"""Prints docs/settings.md, the reference of every setting: `make docs`."""

from __future__ import annotations

import html
import json
import sys
from collections.abc import Iterator

from pydantic import BaseModel

from notify_me.settings.account import Account
from notify_me.settings.models import Settings
from notify_me.settings.schema import Setting, all_settings, all_tables
from notify_me.settings.tables.languages import LocaleTexts

_HEAD = """\
# Settings

Made from the models in [`notify_me/settings/`](../notify_me/settings/) by `make docs`: change them
there.

What the merchant decides stands in [`notify_me.toml`](../notify_me.toml), a table below a heading.
Every line of it may be left out. Each setting may be given by a variable of the environment as well
(or under that name in the Flask config), which wins over the file: text as it is, anything else as
TOML writes it, such as `16`, `true` or `["EMAIL", "SMS"]`; a list also as `EMAIL, SMS`. An empty
variable is as one that isn't set; `""` is the empty text. A call in a template, such as
`{{ notify_me(variant, label="Tell me") }}`, wins over both.

A wrong or unknown key or variable stops the start, and is named with its file. What holds, and
where it came from, is told by `flask notify-me settings`.
"""
_TEXTS = """\
## `[texts.<locale>]`

The words of the tables above in one language, such as `[texts.de.button]` with
`label = "Sag Bescheid"`, or `NOTIFY_ME_TEXTS__DE__BUTTON__LABEL`. A text here wins over the
one above, which wins over the kit's own translation of its default. Everything that may stand here:

{}
The legal texts for SMS and WhatsApp ship in English alone: a channel isn't offered in a language
of `[languages]` until its texts stand here, which the start tells. More in
[languages.md](languages.md).
"""
_ACCOUNT = """\
## The Klaviyo account

From the environment (or the Flask config) alone, never from a file that is shared.

"""


def markdown() -> str:
    """The reference, as a page of Markdown."""
    blocks = [_HEAD]
    for path, model in all_tables(Settings):
        if path[:1] == ("texts",):
            continue
        own = [each for each in all_settings(model, path) if each.path[:-1] == path]
        if not own:
            continue
        about = _about(model)
        blocks.append(f"## `[{'.'.join(path)}]`\n\n{about}{_table(own, 'key')}")
    blocks.append(_TEXTS.format(_texts()))
    blocks.append(_ACCOUNT + _table(list(all_settings(Account)), "variable"))
    return "\n".join(blocks)


def _texts() -> str:
    """The keys of `[texts.<locale>]`, by table."""
    by_table: dict[str, list[str]] = {}
    for known in all_settings(LocaleTexts):
        by_table.setdefault(known.path[0], []).append(f"`{known.path[-1]}`")
    return "".join(f"- `{table}`: {', '.join(keys)}\n" for table, keys in by_table.items())


def _about(model: type[BaseModel]) -> str:
    text = " ".join((model.__doc__ or "").split())
    _, _, about = text.partition("]`")
    about = about.lstrip(": .")
    if not about:
        return ""
    return f"{html.escape(about[:1].upper() + about[1:], quote=False)}\n\n"


def _table(rows: list[Setting], first: str) -> str:
    heads = [first, "allowed", "default", *(["environment"] if first == "key" else []), ""]
    lines = [f"| {' | '.join(heads).rstrip()} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(_cells(each, first))} |" for each in rows]
    return "\n".join(lines) + "\n"


def _cells(known: Setting, first: str) -> Iterator[str]:
    yield f"`{known.path[-1]}`"
    yield _text(known.allowed)
    yield _default(known)
    if first == "key":
        yield f"`{known.variable}`"
    yield _text(known.info.description or "")


def _default(known: Setting) -> str:
    value = known.default
    if value is None or value == "":
        return "none"
    if isinstance(value, float):
        return f"`{value:g}`"
    code = value if isinstance(value, str) else json.dumps(value)
    return f"`{code}`".replace("|", "\\|")


def _text(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())
