"""From the calls of a snippet to the kit's settings, with a note on every option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .calls import Call, Found, find_calls
from .fitting import fitted, half_see_through, shaped
from .literals import Unread, Value
from .options import LEFT, TARGETS, Kind, Target, nearest
from .source import SnippetError, plain

_MOST_UNKNOWN = 50
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_PLACEHOLDERS = {"PUBLIC_API_KEY", "YOUR_PUBLIC_API_KEY", "API_KEY", "LIST_ID", "YOUR_LIST_ID"}
INTEGRATIONS = {
    "shopify": "$shopify",
    "bigcommerce": "$bigcommerce",
    "magento_two": "$magento_two",
    "api": "$custom",
}
"""Klaviyo's names for a catalog's source, by the names that the old script has for platforms."""


@dataclass(frozen=True)
class Note:
    """What became of one option, and why; `line` is where the snippet sets it."""

    kind: Kind
    option: str
    line: int
    reason: str


@dataclass(frozen=True)
class Imported:
    """A snippet, read: settings for TOML, values for the environment, and a note on every option.

    `integration` is the catalog's source if the snippet names its platform: advice, and no setting
    that was read.
    """

    settings: dict[str, dict[str, Any]]
    environment: dict[str, str]
    notes: list[Note]
    integration: str | None = None


def read_snippet(text: str) -> Imported:
    """Read the file of a theme that has Klaviyo's old back-in-stock snippet.

    Raises `SnippetError`.
    """
    return _Conversion(find_calls(text)).imported()


class _Conversion:
    """One import; the methods fill in settings, environment and notes."""

    def __init__(self, found: Found) -> None:
        self._settings: dict[str, dict[str, Any]] = {}
        self._environment: dict[str, str] = {}
        self._notes: list[Note] = []
        self._integration: str | None = None
        self._unknown = 0
        self._enabled_at = 0
        self._unclear = False  # whether options are set in a way that can't be known
        self._options = self._merge(found)

    def imported(self) -> Imported:
        """The result: settings in the table's order, notes in the file's."""
        for option, value in self._options.items():
            self._take(option, value)
        self._take_display()
        self._take_newsletter()
        order = {(target.table, target.key): at for at, target in enumerate(TARGETS.values())}
        settings = {
            table: dict(sorted(keys.items(), key=lambda each: order.get((table, each[0]), -1)))
            for table in ("button", "trigger", "modal", "consent")
            if (keys := self._settings.get(table))
        }
        notes = sorted(self._notes, key=lambda note: note.line)
        return Imported(settings, self._environment, notes, self._integration)

    def _note(self, kind: Kind, option: str, line: int, reason: str) -> None:
        self._notes.append(Note(kind, plain(option), line, reason))

    def _set(self, table: str, key: str, value: object) -> None:
        self._settings.setdefault(table, {})[key] = value

    # the calls as one set of options

    def _merge(self, found: Found) -> dict[str, Value]:
        """Klaviyo's way: later `init` over earlier, `enable` over `init`, first `enable` first."""
        for remark in found.remarks:
            self._note("not_supported", remark.what, remark.line, remark.reason)
        inits: dict[str, Value] = {}
        enables: dict[str, Value] = {}
        for call in found.calls:
            if call.name == "logging":
                reason = "the kit writes nothing to the browser's console"
                self._note("not_supported", "klaviyo.logging", call.line, reason)
            elif call.name == "init":
                given = self._given(call, 0)
                for option, value in given.items():
                    before = inits.get(option)
                    if before is not None and before.it != value.it:
                        self._overridden(before, option, value.line)
                    inits[option] = value
            elif self._is_ours(call):
                self._enabled_at = self._enabled_at or call.line
                for option, value in self._given(call, 1).items():
                    if option in enables and enables[option].it == value.it:
                        continue
                    reason = 'Klaviyo\'s script listens to the first enable("backinstock") alone'
                    self._overridden(
                        value if option in enables else None,
                        option,
                        enables.get(option, value).line,
                        f": {reason}",
                    )
                    enables.setdefault(option, value)
        if not self._enabled_at:
            line = found.calls[0].line
            if all(call.name != "init" for call in found.calls):
                raise SnippetError(
                    "The file calls neither klaviyo.init({…}) nor "
                    'klaviyo.enable("backinstock", {…}), only others of klaviyo\'s functions'
                )
            reason = "is not called in this file, so Klaviyo's script shows no button by it"
            self._note("no_effect", 'klaviyo.enable("backinstock")', line, reason)
        for option in [each for each in inits if each in enables]:
            self._overridden(inits[option], option, enables[option].line)
        return self._flat_over(inits, enables)

    def _flat_over(self, inits: dict[str, Value], enables: dict[str, Value]) -> dict[str, Value]:
        """`enable` replaces `trigger` and `modal` as a whole, and other keys one by one."""
        sections = {option.partition(".")[0] for option in enables if "." in option}
        options = dict(inits)
        for option in inits:
            section, dot, _ = option.partition(".")
            if dot and section in sections and option not in enables:
                value = options.pop(option)
                reason = f"the {section} in enable replaces the one in init as a whole"
                self._note("no_effect", option, value.line, reason)
        return options | enables

    def _overridden(self, loser: Value | None, option: str, line: int, more: str = "") -> None:
        if loser is not None:
            reason = f"it is set in line {line} too, which counts{more}"
            self._note("no_effect", option, loser.line, reason)

    def _is_ours(self, call: Call) -> bool:
        name = call.arguments[0].it if call.arguments else None
        if name == "backinstock":
            return True
        if isinstance(name, Unread):
            reason = f"{plain(name.text)} is {name.what}, so what it turns on can't be known"
            self._note("not_supported", "klaviyo.enable", call.line, reason)
        else:
            shown = plain(name) if isinstance(name, str) else "nothing"
            reason = f'it turns on {shown}, and Klaviyo\'s script knows "backinstock" alone'
            self._note("no_effect", "klaviyo.enable", call.line, reason)
        return False

    def _given(self, call: Call, place: int) -> dict[str, Value]:
        """The options of one call, with `trigger.` or `modal.` before those of a section."""
        if len(call.arguments) <= place or call.arguments[place].it is None:
            return {}
        options = call.arguments[place].it
        if not isinstance(options, dict):
            self._unclear = True
            what = f"are {options.what}" if isinstance(options, Unread) else "are no object"
            self._note("not_supported", f"klaviyo.{call.name}", call.line, f"its options {what}")
            return {}
        return dict(_flat(options))

    # one option

    def _take(self, option: str, value: Value) -> None:
        target = TARGETS.get(option)
        if isinstance(value.it, Unread):
            self._take_unread(option, value.line, value.it)
        elif option in LEFT:
            self._leave(option, value)
        elif value.it is None:
            self._note("no_effect", option, value.line, "null is as if it were not set")
        elif option in {"trigger", "modal"}:
            self._note("no_effect", option, value.line, "it is no object")
        elif target is not None:
            self._take_target(option, value, target)
        elif option in {"account", "list"}:
            self._take_id(option, value)
        elif option == "platform":
            self._take_platform(value)
        elif option not in _LATER:
            self._take_unknown(option, value)

    def _take_unread(self, option: str, line: int, unread: Unread) -> None:
        section, spread, name = option.replace("....", ". ...").partition("...")
        if spread:
            option = f"...{name}" + (f" in {section.rstrip('. ')}" if section else "")
            reason = "another object is spread into this one, and what it holds can't be known"
        else:
            reason = f"its value is {unread.what}"
            if "function" not in unread.what:
                reason += f": {unread.text}"
        if spread or option in {"trigger", *_DISPLAY}:
            self._unclear = True
        self._note("not_supported", option, line, reason)

    def _leave(self, option: str, value: Value) -> None:
        if value.it is None or value.it == "":
            self._note("no_effect", option, value.line, "it is empty")
        else:
            self._note(LEFT[option].kind, option, value.line, LEFT[option].reason)

    def _take_target(self, option: str, value: Value, target: Target) -> None:
        setting = f"[{target.table}] {target.key}"
        taken, change = shaped(value.it, target)
        if taken is not None:
            taken, mended = fitted(target.table, target.key, taken)
            change = mended or change
        if taken is None:
            self._note("not_supported", option, value.line, change)
            return
        if option == _BACKDROP and (thinner := half_see_through(str(taken))):
            taken = thinner
            why = "Klaviyo's script draws it half see-through, and this would hide the page"
            change = ": ".join(filter(None, (change, f"written as {thinner}, since {why}")))
        self._set(target.table, target.key, taken)
        if target.unused and not change:
            reason = f"{target.unused}; {setting} does have one, and was set"
            self._note("no_effect", option, value.line, reason)
        elif change:
            self._note("changed", option, value.line, f"{setting}: {change}")
        else:
            self._note("taken", option, value.line, setting)

    def _take_id(self, option: str, value: Value) -> None:
        name = {"account": "KLAVIYO_PUBLIC_KEY", "list": "KLAVIYO_LIST_ID"}[option]
        given = str(value.it) if isinstance(value.it, str | int) else ""
        if given.startswith("pk_"):
            reason = (
                "it is a private key, which every visitor of that page can read: "
                "delete it in Klaviyo under Settings > API keys"
            )
        elif given in _PLACEHOLDERS:
            reason = f"{given} is a placeholder: set {name} in the environment"
        elif isinstance(value.it, bool) or not _ID.fullmatch(given):
            reason = f"it can't be an ID of Klaviyo's: set {name} in the environment"
        else:
            self._environment[name] = given
            self._note("taken", option, value.line, f"{name}, in the environment")
            return
        self._note("not_supported", option, value.line, reason)

    def _take_platform(self, value: Value) -> None:
        given = value.it if isinstance(value.it, str) else ""
        self._integration = INTEGRATIONS.get(given)
        if self._integration is None:
            reason = "is no platform that Klaviyo has a catalog for by this name"
            self._note("not_supported", "platform", value.line, f"{plain(given) or 'it'} {reason}")
            return
        reason = (
            "the shop's catalog says where the products come from, in the composite IDs of its "
            f"variants: {self._integration}:::…, if they come to Klaviyo from there"
        )
        self._note("changed", "platform", value.line, reason)

    def _take_unknown(self, option: str, value: Value) -> None:
        self._unknown += 1
        if self._unknown > _MOST_UNKNOWN:
            if self._unknown == _MOST_UNKNOWN + 1:
                reason = "and more options that Klaviyo's script doesn't have"
                self._note("not_supported", "…", value.line, reason)
            return
        near = nearest(option)
        reason = "is no option of Klaviyo's script"
        if near and near.rpartition(".")[2] == option.rpartition(".")[2]:
            section = near.rpartition(".")[0]
            place = f"under {section}" if section else "beside trigger and modal"
            reason = f"{reason} in this place: it must stand {place}"
        elif near:
            reason = f"{reason}: did you mean {near}?"
        self._note("not_supported", option, value.line, reason)

    # options that belong together

    def _take_display(self) -> None:
        setting = "[button] display"
        replaces = False
        given = False
        for option in _DISPLAY:
            value = self._options.get(option)
            if value is None or value.it is None or isinstance(value.it, Unread):
                continue
            given = True
            if isinstance(value.it, bool):
                word = "REPLACE" if value.it else "NEXT_TO unless another option says REPLACE"
                self._note("taken", option, value.line, f"{setting}: {word}")
            else:
                reason = f"{setting}: Klaviyo's script takes it for {str(bool(value.it)).lower()}"
                self._note("changed", option, value.line, reason)
            replaces = replaces or bool(value.it)
        assumed = not given and not self._unclear and self._enabled_at > 0
        if given or assumed:
            self._set("button", "display", "REPLACE" if replaces else "NEXT_TO")
        if assumed:
            reason = f"{setting}: NEXT_TO, as by Klaviyo's default, since it is not set"
            self._note("taken", "trigger.replace_anchor", self._enabled_at, reason)

    def _take_newsletter(self) -> None:
        label = self._options.get("modal.newsletter_subscribe_label")
        checked = self._options.get("modal.subscribe_checked")
        shown = self._options.get("list")
        has_box = shown is not None and bool(shown.it)
        if shown is not None and has_box:
            self._set("consent", "email_list", "ask")
            reason = '[consent] email_list = "ask": with a list, the form has a box for it'
            self._note("taken", "list", shown.line, reason)
            if checked is None:
                reason = "Klaviyo's script ticks the box in advance; here it never is"
                self._note("changed", "list", shown.line, reason)
        unseen = "the box is shown if list is set, and it is not"
        if label is not None and isinstance(label.it, str):
            if has_box:
                setting = "[consent] email_checkbox_text"
                taken, change = fitted("consent", "email_checkbox_text", label.it)
                kind: Kind = "taken"
                if taken is None:
                    kind, setting = "not_supported", change
                else:
                    self._set("consent", "email_checkbox_text", taken)
                    if change:
                        kind, setting = "changed", f"{setting}: {change}"
                self._note(kind, "modal.newsletter_subscribe_label", label.line, setting)
            else:
                self._note("no_effect", "modal.newsletter_subscribe_label", label.line, unseen)
        elif label is not None and label.it is not None and not isinstance(label.it, Unread):
            reason = "it must be a text"
            self._note("not_supported", "modal.newsletter_subscribe_label", label.line, reason)
        if checked is not None and checked.it is not None and not isinstance(checked.it, Unread):
            if not has_box:
                self._note("no_effect", "modal.subscribe_checked", checked.line, unseen)
            elif checked.it:
                reason = "a box is never ticked in advance: consent is given by ticking it"
                self._note("changed", "modal.subscribe_checked", checked.line, reason)
            else:
                reason = "the box is not ticked in advance; it never is"
                self._note("taken", "modal.subscribe_checked", checked.line, reason)


_BACKDROP = "modal.drop_background_color"
_DISPLAY = ("trigger.replace_anchor", "trigger.replace_sold_out")
_LATER = {
    *_DISPLAY,
    "modal.newsletter_subscribe_label",
    "modal.subscribe_checked",
}


def _flat(options: dict[str, Value]) -> Iterator[tuple[str, Value]]:
    for name, value in options.items():
        if name in {"trigger", "modal"} and isinstance(value.it, dict):
            for inner, each in value.it.items():
                yield f"{name}.{inner}", each
        else:
            yield name, value
