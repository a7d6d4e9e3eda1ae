"""Klaviyo's `filter` parameter: conditions such as `equals(sku,"X")`, joined by `,` or `and(…)`.

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
"""The operators that an operation allows for each field."""

_WORD = r"""[^\s"'(),\[\]]+"""
_SCALAR = rf"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|{_WORD})"""
_VALUE = rf"(?:{_SCALAR}|\[\s*{_SCALAR}(?:\s*,\s*{_SCALAR})*\s*\])"
_CONDITION = rf"{_WORD}\s*\(\s*{_WORD}\s*,\s*{_VALUE}\s*\)"
_AND = rf"and\s*\(\s*{_CONDITION}(?:\s*,\s*{_CONDITION})*\s*\)"
_TERM = rf"\s*(?:{_CONDITION}|{_AND})\s*"
_FILTER = re.compile(rf"{_TERM}(?:,{_TERM})*")


def _text(value: Any) -> str:
    return str(value or "").casefold()


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, operand: value == operand,
    "any": lambda value, operand: value in operand,
    "contains": lambda value, operand: operand.casefold() in _text(value),
    "starts-with": lambda value, operand: _text(value).startswith(operand.casefold()),
    "ends-with": lambda value, operand: _text(value).endswith(operand.casefold()),
    "greater-than": lambda value, operand: value is not None and value > operand,
    "greater-or-equal": lambda value, operand: value is not None and value >= operand,
    "less-than": lambda value, operand: value is not None and value < operand,
    "less-or-equal": lambda value, operand: value is not None and value <= operand,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter, such as `equals(sku,"X")`."""

    operator: str
    field: str
    value: Any

    def matches(self, value: Any) -> bool:
        """Return whether the condition holds for a field with this value.

        Raises `Refusal` (400) if a time is compared with something else.
        """
        operand = self.value
        if isinstance(value, datetime):
            try:
                operand = datetime.fromisoformat(str(operand))
            except ValueError:
                raise _refusal(f"{self.field} must be compared with a time") from None
            operand = operand if operand.tzinfo else operand.replace(tzinfo=value.tzinfo)
        elif self.operator in ("contains", "starts-with", "ends-with"):
            operand = str(operand)
        return _OPERATORS[self.operator](value, operand)


def parse(text: str, allowed: Allowed) -> list[Condition]:
    """Return the conditions of a filter, all of which must hold.

    Raises `Refusal` (400, with the parameter's name) for a filter that is malformed or that the
    operation doesn't support.
    """
    if not text.strip():
        return []
    if not _FILTER.fullmatch(text):
        raise _refusal("The filter is malformed")
    return [_condition(condition, allowed) for condition in re.findall(_CONDITION, text)]


def _condition(condition: str, allowed: Allowed) -> Condition:
    operator, _, arguments = condition.removesuffix(")").partition("(")
    field, _, text = arguments.partition(",")
    operator, field, text = operator.strip(), field.strip(), text.strip()
    if operator not in _OPERATORS:
        raise _refusal(f"There is no operator {operator[:60]!r}")
    if field not in allowed:
        raise _refusal(f"This operation filters by {', '.join(allowed)}, not by {field[:60]!r}")
    if operator not in allowed[field]:
        raise _refusal(f"{field} supports {', '.join(allowed[field])}")
    if (operator == "any") != text.startswith("["):
        raise _refusal(
            'The any operator needs a list, such as ["a","b"]; the others do not accept lists'
        )
    if operator == "any":
        return Condition(
            operator, field, [_parse_scalar(item) for item in re.findall(_SCALAR, text)]
        )
    return Condition(operator, field, _parse_scalar(text))


def _parse_scalar(text: str) -> Any:
    """Return the value of a quoted string, a number, true, false, or a bare word."""
    if text[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        return json.loads(text)
    except ValueError:
        return text


def _refusal(detail: str) -> Refusal:
    return Refusal(invalid(f"{detail}.", parameter=PARAMETER))
