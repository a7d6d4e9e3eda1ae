"""Convert the options of Klaviyo's script to settings, with a note on each option."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import nh3

from ..settings.loader import value_problem
from ..settings.tables.modal import FOOTER_TAGS
from .errors import SnippetError, one_line
from .javascript import JSLiteral, NonLiteral, ScriptCall, Value, find_calls
from .options import (
    DISPLAY_OPTIONS,
    SECTIONS,
    SKIPPED,
    SUBSCRIBE_CHECKED,
    TARGETS,
    NoteKind,
    Target,
    closest_option,
)

_PLACEHOLDERS = {"PUBLIC_API_KEY", "YOUR_PUBLIC_API_KEY", "API_KEY", "LIST_ID", "YOUR_LIST_ID"}
_INTEGRATIONS = {
    "shopify": "$shopify",
    "bigcommerce": "$bigcommerce",
    "magento_two": "$magento_two",
    "api": "$custom",
}
"""Klaviyo's names for integrations by the script's names for platforms."""
_MAX_OPTIONS = 200
_IMPORT_RULE = re.compile(
    r"""@import\s*(?:url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')]*?))\s*\)|"([^"]*)"|'([^']*)')[^;]*;?"""
    r"""|<link\b[^>]*\bhref\s*=\s*["']?([^"'\s>]+)[^>]*>""",
    re.IGNORECASE,
)
"""Code that loads another stylesheet, such as that of a web font: `@import`, or a `<link>`."""
_CSS_REST = re.compile(r"\s*(?:!\s*important\s*)?;?\s*\Z", re.IGNORECASE)
"""What may follow a value in a CSS declaration."""
_MARKUP = re.compile(r"<\s*/?[a-zA-Z!]|&(?:#\d+|#x[0-9a-f]+|[a-z]+\d*);", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Note:
    """What the import did with one option, and why."""

    kind: NoteKind
    option: str
    line: int
    """The line of the snippet that sets the option."""
    reason: str


@dataclass(slots=True)
class ImportedSnippet:
    """The result of an import."""

    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By table and key, as in `notify_me.toml`."""
    environment: dict[str, str] = field(default_factory=dict)
    """Values for environment variables."""
    notes: list[Note] = field(default_factory=list)

    def note(self, kind: NoteKind, option: str, line: int, reason: str) -> None:
        """Add a note."""
        self.notes.append(Note(kind, option, line, reason))


def read_snippet(text: str) -> ImportedSnippet:
    """Read a theme's file with Klaviyo's back-in-stock snippet, as HTML, Liquid or JavaScript, or
    bare options such as `modal: {…}`.

    Raises `SnippetError` if the file has no snippet, or one that isn't valid JavaScript.
    """
    imported = ImportedSnippet()
    try:
        calls = find_calls(text)
    except RecursionError:
        raise SnippetError("The file contains objects that are nested too deeply") from None
    options = _merge(calls, imported)
    if len(options) > _MAX_OPTIONS:
        raise SnippetError(f"The file contains more than {_MAX_OPTIONS} options")
    for option in dict.fromkeys([*TARGETS, *options]):
        if option in options:
            _import_option(option, options[option], options, imported)
    if _has_list(options):
        imported.settings.setdefault("consent", {})["email_list"] = "ask"
        reason = '[consent] email_list = "ask": the form shows a checkbox for joining the list'
        imported.note("imported", "list", options["list"].line, reason)
    if enable_calls := [call for call in calls if _is_enable(call)]:
        _import_defaults(options, enable_calls[0].line, imported)
        _import_display(options, enable_calls[0].line, imported)
    elif any(option in options for option in DISPLAY_OPTIONS):
        _import_display(options, calls[0].line, imported)
    imported.notes.sort(key=lambda note: note.line)
    return imported


def _merge(calls: list[ScriptCall], imported: ImportedSnippet) -> dict[str, Value]:
    """Merge the options of all calls as Klaviyo's script does.

    A later `init` overrides an earlier one. `enable` overrides `init`, and its `trigger` and
    `modal` replace those of `init` as a whole. If several calls to `enable` set the same option,
    the first one counts: themes call `enable` in branches for different pages.
    """
    init_options: dict[str, Value] = {}
    enable_options: dict[str, Value] = {}

    def note_override(option: str, value: Value, by: Value) -> None:
        if value.literal != by.literal:
            reason = f"line {by.line} overrides it"
            imported.note("no_effect", option, value.line, reason)

    for call in calls:
        if call.has_tags:
            reason = "template tags were ignored, as if every condition were true"
            imported.note("changed", f"klaviyo.{call.name}", call.line, reason)
        if call.name == "init":
            for option, value in _options_of(call, 0).items():
                if option in init_options:
                    note_override(option, init_options[option], by=value)
                init_options[option] = value
        elif call.name == "options" or _is_enable(call):
            for option, value in _options_of(call, 0 if call.name == "options" else 1).items():
                if option in enable_options:
                    note_override(option, value, by=enable_options[option])
                enable_options.setdefault(option, value)
        else:
            reason = 'Klaviyo\'s script supports only enable("backinstock", {…})'
            imported.note("no_effect", "klaviyo.enable", call.line, reason)
    sections = {option.partition(".")[0] for option in enable_options if "." in option}
    for option in [*init_options]:
        section, dot, _ = option.partition(".")
        if option in enable_options:
            note_override(option, init_options.pop(option), by=enable_options[option])
        elif dot and section in sections:
            reason = f"the {section} of klaviyo.enable replaces that of klaviyo.init"
            imported.note("no_effect", option, init_options.pop(option).line, reason)
    return init_options | enable_options


def _is_enable(call: ScriptCall) -> bool:
    """Return whether a call is `klaviyo.enable("backinstock", …)`."""
    arguments = call.arguments
    return call.name == "enable" and bool(arguments) and arguments[0].literal == "backinstock"


def _options_of(call: ScriptCall, index: int) -> dict[str, Value]:
    """Return the options of a call, such as `modal.headline`, from the argument at `index`."""
    argument = call.arguments[index] if len(call.arguments) > index else None
    if argument is None or argument.literal is None:
        return {}
    if not isinstance(argument.literal, dict):
        # the options can't be read, so treat the argument like a spread
        return {"...options": argument}
    options = {}
    for name, value in argument.literal.items():
        if name in {"trigger", "modal"} and isinstance(value.literal, dict):
            for key, inner in value.literal.items():
                options[f"{name}: {key}" if key.startswith("...") else f"{name}.{key}"] = inner
        elif call.name == "options" and (section := SECTIONS.get(name)):
            options[f"{section}.{name}"] = value  # one line of a section, without its heading
        else:
            options[name] = value
    return options


def _import_option(
    option: str, value: Value, options: dict[str, Value], imported: ImportedSnippet
) -> None:
    literal, line = value.literal, value.line
    if isinstance(literal, NonLiteral):
        reason = f"the value is not a literal, so it can't be read: {literal.text}"
        imported.note("not_supported", option, line, reason)
    elif literal is None or (literal == "" and option in SKIPPED):
        imported.note("no_effect", option, line, "it is not set")
    elif option == "modal.additional_styles" and _IMPORT_RULE.search(str(literal)):
        imported.note("not_supported", option, line, _web_fonts(str(literal)))
    elif option in SKIPPED:
        imported.note(SKIPPED[option].kind, option, line, SKIPPED[option].reason)
    elif option in {"modal.newsletter_subscribe_label", SUBSCRIBE_CHECKED} and not _has_list(
        options
    ):
        reason = "Klaviyo's script shows the checkbox only if list is set"
        imported.note("no_effect", option, line, reason)
    elif option in TARGETS:
        _import_setting(option, value, TARGETS[option], imported)
    elif option in {"account", "list"}:
        _import_id(option, value, imported)
    elif option in {"trigger", "modal"}:
        imported.note("not_supported", option, line, "the value must be an object")
    elif option == SUBSCRIBE_CHECKED:
        reason = (
            "the checkbox is always unticked at first, since the shopper has to tick it to consent"
        )
        imported.note("changed" if literal else "imported", option, line, reason)
    elif option == "platform":
        if integration := _INTEGRATIONS.get(str(literal)):
            reason = f'set [catalog] integration = "{integration}" if Klaviyo syncs your catalog'
            imported.note("not_supported", option, line, f"{reason} from this platform")
        else:
            reason = f"Klaviyo's script doesn't support the platform {one_line(str(literal))}"
            imported.note("not_supported", option, line, reason)
    elif option not in DISPLAY_OPTIONS:
        reason = "Klaviyo's script has no such option"
        if match := closest_option(option):
            reason += f"; did you mean {match}?"
        imported.note("not_supported", option, line, reason)


def _web_fonts(styles: str) -> str:
    """Return why web fonts from another server aren't imported, and what to do instead."""
    urls = [_split(html.unescape("".join(groups))) for groups in _IMPORT_RULE.findall(styles)]
    hosts = one_line(", ".join(dict.fromkeys(url.netloc or "another file" for url in urls)))
    families = ", ".join(filter(None, (_families(url.query) for url in urls)))
    noun, pronoun = ("web fonts", "them") if "," in families else ("web font", "it")
    fonts = f"the {noun} {families}" if families else "a web font"
    reason = (
        f"it loads {fonts} from {hosts}, but the kit loads nothing from other servers. Add "
        f"{pronoun} to the shop's own stylesheet with @font-face, and put {pronoun} first in "
        "[modal] font_family"
    )
    if _IMPORT_RULE.sub("", styles).strip():
        reason += (
            f". The other rules aren't imported either: {SKIPPED['modal.additional_styles'].reason}"
        )
    return reason


def _split(url: str) -> SplitResult:
    """Split a URL; an invalid one, such as `http://[`, has no host."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _families(query: str) -> str:
    names = [name for value in parse_qs(query).get("family", ()) for name in value.split("|")]
    return one_line(", ".join(name.partition(":")[0] for name in names))


def _has_list(options: dict[str, Value]) -> bool:
    return "list" in options and bool(options["list"].literal)


def _import_setting(option: str, value: Value, target: Target, imported: ImportedSnippet) -> None:
    name = f"[{target.table}] {target.key}"
    setting, change = _convert(value.literal, target)
    key = f"{target.table}.{target.key}"
    problem = "" if setting is None else value_problem(key, setting, name)
    if problem and isinstance(setting, str):
        if setting.strip() in {"", "auto", "inherit"}:
            imported.note("no_effect", option, value.line, f"{name} keeps its default")
            return
        without_rest = _CSS_REST.sub("", setting)
        if without_rest != setting and not value_problem(key, without_rest, name):
            setting, change, problem = without_rest, "without the rest of the CSS declaration", ""
    if setting is None or problem:
        imported.note("not_supported", option, value.line, problem or change)
        return
    imported.settings.setdefault(target.table, {})[target.key] = setting
    if change:
        imported.note("changed", option, value.line, f"{name}: {change}")
    else:
        imported.note("imported", option, value.line, name)


def _convert(literal: JSLiteral, target: Target) -> tuple[Any, str]:
    """Return the value for a setting and how it was changed (empty if it wasn't), or None and what
    is wrong.
    """
    if isinstance(literal, dict):
        return None, "the value must not be an object"
    match target.type:
        case "boolean":
            value = bool(literal)
            change = f"Klaviyo's script treats {literal!r} as {str(value).lower()}"
            return value, "" if isinstance(literal, bool) else change
        case "integer":
            if isinstance(literal, bool):
                return None, "the value must be a whole number"
            if isinstance(literal, str) and re.fullmatch(r"-?\d{1,15}", literal.strip()):
                return int(literal), "a number instead of a string"
            return literal, ""
        case "tags":
            if not isinstance(literal, str):
                return None, "Klaviyo's script reads only a comma-separated string"
            return [tag.strip() for tag in literal.split(",") if tag.strip()], ""
        case "some_html" if others := _other_tags(str(literal)):
            return literal, f"the form leaves out {', '.join(others)}"
        case "html" if _MARKUP.search(str(literal)):
            without_tags = nh3.clean(
                re.sub(r"<(?:br|/?p|/?div|/?li)\b", r" \g<0>", str(literal)), tags=set()
            )
            return " ".join(html.unescape(without_tags).split()), "without its HTML tags"
    return literal, ""


def _other_tags(text: str) -> list[str]:
    """Return the tags that the footer can't contain, such as `<img>`."""
    names = [name.lower() for name in re.findall(r"<([a-zA-Z][\w-]*)", text)]
    return [f"<{one_line(name)}>" for name in dict.fromkeys(names) if name not in FOOTER_TAGS]


def _import_id(option: str, value: Value, imported: ImportedSnippet) -> None:
    variable = {"account": "KLAVIYO_PUBLIC_KEY", "list": "KLAVIYO_LIST_ID"}[option]
    text = str(value.literal)
    if text.startswith("pk_"):
        reason = (
            "it is a private key, which every visitor to the page can read: delete it in Klaviyo "
            "under Settings > API keys"
        )
    elif (
        text in _PLACEHOLDERS
        or isinstance(value.literal, bool)
        or not re.fullmatch(r"[\w-]{1,64}", text, re.ASCII)
    ):
        reason = f"it is not an ID: set {variable} in the environment"
    else:
        imported.environment[variable] = text
        imported.note("imported", option, value.line, f"{variable} in the environment")
        return
    imported.note("not_supported", option, value.line, reason)


def _import_defaults(options: dict[str, Value], line: int, imported: ImportedSnippet) -> None:
    """For options that the snippet doesn't set, use the defaults of Klaviyo's script where the
    kit's differ.
    """
    if any(
        isinstance(value.literal, NonLiteral) and "..." in option
        for option, value in options.items()
    ):
        return  # a spread may set them
    for option, target in TARGETS.items():
        if target.default is not None and option not in options:
            imported.settings.setdefault(target.table, {})[target.key] = target.default
            reason = (
                f"[{target.table}] {target.key}: {target.default}, the default of Klaviyo's script"
            )
            imported.note("imported", option, line, reason)


def _import_display(options: dict[str, Value], line: int, imported: ImportedSnippet) -> None:
    """Set where the button appears. By default, Klaviyo's script shows it next to the shop's own
    button, but the kit shows it instead of the shop's own.
    """
    values = {option: options[option] for option in DISPLAY_OPTIONS if option in options}
    # a value that can't be read, or a spread, may mean REPLACE
    is_unclear = any(
        isinstance(value.literal, NonLiteral)
        and (option in {"trigger", *DISPLAY_OPTIONS} or option.startswith(("...", "trigger: ...")))
        for option, value in options.items()
    )
    replaces = any(
        value.literal and not isinstance(value.literal, NonLiteral) for value in values.values()
    )
    if is_unclear and not replaces:
        return
    display = "REPLACE" if replaces else "NEXT_TO"
    imported.settings.setdefault("button", {})["display"] = display
    for option, value in values.items():
        if not isinstance(value.literal, NonLiteral):
            imported.note("imported", option, value.line, f"[button] display: {display}")
    if not values:
        reason = "[button] display: NEXT_TO, the default of Klaviyo's script"
        imported.note("imported", DISPLAY_OPTIONS[0], line, reason)
