"""Klaviyo's `filter` parameter: `equals(sku,"X")`, several joined by commas or by `and(…)`.

https://developers.klaviyo.com/en/docs/filtering_
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .errors import Refusal, invalid

PARAMETER = "filter"

Allowed = Mapping[str, tuple[str, ...]]
"""The operators that each field of an operation takes."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<mark>[(),\[\]])"""
    r"""|(?P<word>[^\s"'(),\[\]]+))"""
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: its operator, the field, and the value that was given."""

    operator: str
    field: str
    value: Any


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda found, given: found == given,
    "any": lambda found, given: found in given,
    "contains": lambda found, given: given.casefold() in str(found or "").casefold(),
    "starts-with": lambda found, given: str(found or "").casefold().startswith(given.casefold()),
    "ends-with": lambda found, given: str(found or "").casefold().endswith(given.casefold()),
    "greater-than": lambda found, given: found is not None and found > given,
    "greater-or-equal": lambda found, given: found is not None and found >= given,
    "less-than": lambda found, given: found is not None and found < given,
    "less-or-equal": lambda found, given: found is not None and found <= given,
}


def parse(text: str, allowed: Allowed) -> list[Condition]:
    """Return the conditions of a filter, all of which must hold.

    Raises `Refusal`, 400 that names the parameter, for what is malformed or not allowed.
    """
    if not text:
        return []
    reader = _Reader(text)
    conditions = reader.conditions()
    for condition in conditions:
        operators = allowed.get(condition.field)
        if operators is None:
            raise refused(f"It can filter by {', '.join(allowed)}, not {condition.field[:60]!r}")
        if condition.operator not in operators:
            raise refused(f"{condition.field} takes {', '.join(operators)}")
        if (condition.operator == "any") != isinstance(condition.value, list):
            raise refused('any takes a list, such as ["a","b"], and nothing else does')
    return conditions


def holds(conditions: list[Condition], fields: Mapping[str, Any]) -> bool:
    """Tell whether every condition holds for something with these fields."""
    return all(_holds(condition, fields[condition.field]) for condition in conditions)


def refused(detail: str) -> Refusal:
    """Return the 400 that a bad filter gets."""
    return Refusal(invalid(f"{detail}.", parameter=PARAMETER))


def _holds(condition: Condition, found: Any) -> bool:
    given = condition.value
    if isinstance(found, datetime):
        try:
            given = datetime.fromisoformat(str(given))
            if given.tzinfo is None:
                given = given.replace(tzinfo=found.tzinfo)
        except ValueError:
            raise refused(f"{condition.field} is compared with a time") from None
    elif condition.operator in ("contains", "starts-with", "ends-with"):
        given = str(given)
    return _TESTS[condition.operator](found, given)


class _Reader:
    """Reads conditions from the tokens of a filter."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None:
                raise refused("The filter is malformed")
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            place = match.end()

    def conditions(self) -> list[Condition]:
        found = self._several()
        if self._tokens:
            raise refused("The filter is malformed")
        return found

    def _several(self, *, nested: bool = False) -> list[Condition]:
        found = self._one(nested=nested)
        while self._tokens and self._tokens[0] == ("mark", ","):
            self._take("mark")
            found += self._one(nested=nested)
        return found

    def _one(self, *, nested: bool) -> list[Condition]:
        operator = self._take("word")
        self._take("mark", "(")
        if operator == "and" and not nested:
            inner = self._several(nested=True)
            self._take("mark", ")")
            return inner
        if operator not in _TESTS:
            raise refused(f"There is no operator {operator[:60]!r}")
        field = self._take("word")
        self._take("mark", ",")
        value = self._value()
        self._take("mark", ")")
        return [Condition(operator, field, value)]

    def _value(self) -> Any:
        if self._tokens and self._tokens[0] == ("mark", "["):
            self._take("mark")
            values = [self._plain()]
            while self._tokens and self._tokens[0] == ("mark", ","):
                self._take("mark")
                values.append(self._plain())
            self._take("mark", "]")
            return values
        return self._plain()

    def _plain(self) -> Any:
        if self._tokens and self._tokens[0][0] == "text":
            text = self._take("text")
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        word = self._take("word")
        try:
            return json.loads(word)
        except ValueError:
            return word

    def _take(self, kind: str, wanted: str | None = None) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            raise refused("The filter is malformed")
        token = self._tokens.pop(0)[1]
        if wanted is not None and token != wanted:
            raise refused("The filter is malformed")
        return token
