"""The arguments of a call: literals read as values, everything else named and left unread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .source import Source, Span, plain, within

if TYPE_CHECKING:
    from tree_sitter import Node

DEPTH = 40
"""How deep objects, lists and parentheses may stand in one another."""

_PARTS = 2000
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,8})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-3]?[0-7]{1,2})"
    r"|(\r\n|[\s\S]))"
)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | dict.fromkeys(
    ("\n", "\r", "\r\n", "\u2028", "\u2029"), ""
)
_COMMENTS = {"comment", "html_comment"}
_EXPRESSIONS = {
    "arrow_function": "a function",
    "function_expression": "a function",
    "generator_function": "a function",
    "method_definition": "a function",
    "class": "a class",
    "call_expression": "the result of a call",
    "new_expression": "the result of a call",
    "ternary_expression": "a choice that is made in the browser",
    "binary_expression": "an expression",
    "member_expression": "a variable",
    "subscript_expression": "a variable",
    "identifier": "a variable",
    "shorthand_property_identifier": "a variable",
    "template_string": "a text with a variable in it",
    "spread_element": "another object spread into this one",
    "regex": "a regular expression",
}


@dataclass(frozen=True)
class Unread:
    """A value that is known in a browser alone: what it is, and its text."""

    what: str
    text: str


Literal: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | Unread | None"


@dataclass(frozen=True)
class Value:
    """A value and the line where it is set."""

    it: Literal
    line: int


class Evaluator:
    """Reads the nodes of one script, whose first byte is `base` in the file."""

    def __init__(self, source: Source, base: int) -> None:
        self._source = source
        self._base = base

    def span(self, node: Node) -> Span:
        """Where a node stands in the file."""
        return Span(self._base + node.start_byte, self._base + node.end_byte)

    def text(self, node: Node) -> str:
        """What a node is in the file as given."""
        return self._source.text(self.span(node))

    def line(self, node: Node) -> int:
        """The line in which a node begins."""
        return self._source.line(self.span(node).start)

    def items(self, node: Node) -> list[Node]:
        """The entries of an object or of a call; tree-sitter lets two commas in a row pass."""
        items: list[Node] = []
        comma_may_come = False
        for each in node.children:
            if each.type == "," and not comma_may_come:
                raise self._source.wrong(self.span(each).start, "a comma stands where a value must")
            if each.type not in _COMMENTS:
                comma_may_come = each.is_named
                if each.is_named:
                    items.append(each)
        return items

    def value(self, node: Node, depth: int = 0) -> Value:
        """The value of a node."""
        return Value(self._literal(node, depth), self.line(node))

    def _literal(self, node: Node, depth: int) -> Literal:
        if depth > DEPTH:
            return Unread(f"nested more than {DEPTH} deep", plain(self.text(node)))
        match node.type:
            case "true" | "false":
                return node.type == "true"
            case "null" | "undefined":
                return None
            case "number":
                return self._number(node)
            case "string":
                return self._string(node)
            case "template_string" if all(
                each.type != "template_substitution" for each in node.children
            ):
                return self._string(node)
            case "parenthesized_expression" if len(inner := self.items(node)) == 1:
                return self._literal(inner[0], depth + 1)
            case "unary_expression":
                return self._unary(node, depth)
            case "binary_expression":
                return self._joined(node, depth)
            case "array":
                inner = [each for each in node.named_children if each.type not in _COMMENTS]
                return [self.value(each, depth + 1) for each in inner]
            case "object":
                return self._object(node, depth)
        return self._unread(node)

    def _unread(self, node: Node) -> Unread:
        text = self.text(node)
        if within(self._source.outputs, self.span(node)):
            return Unread("filled in by the theme's template", plain(text))
        if node.type in {"identifier", "shorthand_property_identifier"}:
            self._check_name(node)
        return Unread(_EXPRESSIONS.get(node.type, "an expression"), plain(text))

    def _check_name(self, node: Node) -> None:
        """tree-sitter takes typographic quotes for a part of a name."""
        text = self.text(node)
        for at, char in enumerate(text):
            if not (char in "$_\\\u200c\u200d{}#" or ("a" + char).isidentifier()):
                place = self.span(node).start + len(text[:at].encode(errors="replace"))
                quote = " (a typographic quote, where ' or \" must stand)" * (char in "“”‘’„«»")
                raise self._source.wrong(place, f"{plain(char)} can't be in a name{quote}")

    def _object(self, node: Node, depth: int) -> dict[str, Value]:
        entries: dict[str, Value] = {}
        for item in self.items(node):
            key, value = self._entry(item, depth)
            entries.pop(key, None)  # as in JavaScript, the last of two with one name counts
            entries[key] = value
        return entries

    def _entry(self, item: Node, depth: int) -> tuple[str, Value]:
        if item.type in {"shorthand_property_identifier", "spread_element"}:
            return self.text(item)[:200], Value(self._unread(item), self.line(item))
        name = item.child_by_field_name("key" if item.type == "pair" else "name")
        value = item.child_by_field_name("value")
        key = self._key(name) if name is not None else self.text(item)[:200]
        if item.type != "pair" or value is None:
            return key, Value(self._unread(item), self.line(item))
        return key, Value(self._literal(value, depth + 1), self.line(item))

    def _key(self, node: Node) -> str:
        if node.type == "computed_property_name" and len(inner := self.items(node)) == 1:
            node = inner[0]
        if node.type == "property_identifier":
            self._check_name(node)
        if node.type == "string" and isinstance(known := self._string(node), str):
            return known
        return self.text(node)

    def _number(self, node: Node) -> Literal:
        text = self.text(node).lower().replace("_", "")
        if within(self._source.outputs, self.span(node)) or len(text) > 400:
            return self._unread(node)
        text = text.removesuffix("n") if not text.startswith("0x") else text.rstrip("n")
        try:
            if re.fullmatch(r"0[0-7]+", text):  # octal, of old
                return int(text, 8)
            if re.match(r"0[xob]", text):
                return _whole(float(int(text, 0)))
            return _whole(float(text))
        except (ValueError, OverflowError):
            return self._unread(node)

    def _string(self, node: Node) -> str | Unread:
        span = self.span(node)
        if within(self._source.outputs, span) or within(self._source.tags, span):
            return Unread("filled in by the theme's template", plain(self.text(node)))
        text = self.text(node)[1:-1]
        if node.type == "template_string":
            text = text.replace("\r\n", "\n")

        def unescape(found: re.Match[str]) -> str:
            long, short, byte, octal, char = found.groups()
            if octal:
                return chr(int(octal, 8))
            if code := long or short or byte:
                number = int(code, 16)
                if number <= 0x10FFFF:
                    return chr(number)
            elif char not in "ux":
                return _ESCAPED.get(char, char)
            place = span.start + 1 + len(text[: found.start()].encode(errors="replace"))
            raise self._source.wrong(place, f"{plain(found[0])} is no character")

        text = _ESCAPE.sub(unescape, text)
        # two halves of a character make one; a half alone is none
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _unary(self, node: Node, depth: int) -> Literal:
        operand = node.child_by_field_name("argument")
        sign = node.children[0].type
        known = self._literal(operand, depth + 1) if operand is not None else self._unread(node)
        if sign == "!" and not isinstance(known, Unread | dict | list):
            return not known
        if sign == "void":
            return None
        if sign in {"-", "+"} and isinstance(known, int | float) and not isinstance(known, bool):
            return -known if sign == "-" else known
        return self._unread(node)

    def _joined(self, node: Node, depth: int) -> Literal:
        """`"a" + "b"`: a sum leans to the left as deep as it has parts, so this is a loop."""
        parts: list[Node] = []
        first: Node | None = node
        while first is not None and first.type == "binary_expression" and len(parts) < _PARTS:
            right = first.child_by_field_name("right")
            operator = first.child_by_field_name("operator")
            if right is None or operator is None or operator.type != "+":
                return self._unread(node)
            parts.append(right)
            first = first.child_by_field_name("left")
        if first is None or first.type == "binary_expression":
            return self._unread(node)
        total: str | int | float | None = None
        for each in (first, *reversed(parts)):
            known = self._literal(each, depth + 1)
            if isinstance(known, bool) or not isinstance(known, str | int | float):
                return self._unread(node)
            if total is None:
                total = known
            elif isinstance(total, str) or isinstance(known, str):
                total = f"{total}{known}"
            else:
                total += known
        return total


def _whole(number: float) -> int | float:
    """JavaScript's numbers: a whole one that a double can hold is an int here."""
    if number in {float("inf"), float("-inf")}:
        raise OverflowError
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number
