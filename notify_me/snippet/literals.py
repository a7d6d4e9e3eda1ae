"""Literals of a script, read as values; everything else is named and left unread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .source import File, plain

if TYPE_CHECKING:
    from tree_sitter import Node

DEPTH = 40
"""How deep objects, lists and sums may be nested."""
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-3]?[0-7]{1,2})|(\r\n|.))",
    re.S,
)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | dict.fromkeys(
    ("\n", "\r", "\r\n", "\u2028", "\u2029"), ""
)
_UNREAD = {
    "arrow_function": "a function",
    "function_expression": "a function",
    "generator_function": "a function",
    "method_definition": "a function",
    "class": "a class",
    "call_expression": "the result of a call",
    "new_expression": "the result of a call",
    "ternary_expression": "a choice that is made in the browser",
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


def text_of(file: File, node: Node) -> str:
    """What a node is in the file as given."""
    return file.text(node.start_byte, node.end_byte)


def child(node: Node, name: str) -> Node:
    """The node in a field that the grammar always fills."""
    child = node.child_by_field_name(name)
    assert child is not None  # noqa: S101 - the grammar has it
    return child


def line_of(node: Node) -> int:
    """The line in which a node begins, counted from 1."""
    return node.start_point[0] + 1


def items(node: Node) -> list[Node]:
    """The entries of an object, a list or a call."""
    return [each for each in node.named_children if "comment" not in each.type]


def value_of(file: File, node: Node, depth: int = 0) -> Value:
    """The value of a node."""
    return Value(_literal(file, node, depth), line_of(node))


def _literal(file: File, node: Node, depth: int) -> Literal:
    if depth > DEPTH:
        return Unread(f"nested more than {DEPTH} deep", plain(text_of(file, node)))
    known: Literal = _unread(file, node)
    match node.type:
        case "true" | "false":
            return node.type == "true"
        case "null" | "undefined":
            return None
        case "array":
            return [value_of(file, each, depth + 1) for each in items(node)]
        case "object":
            # as in JavaScript, the last of two with one name counts
            return dict(_entry(file, each, depth) for each in items(node))
        case "parenthesized_expression" if len(inner := items(node)) == 1:
            return _literal(file, inner[0], depth + 1)
        case _ if file.is_filled_in(node.start_byte, node.end_byte):
            return known
        case "number":
            return _number(text_of(file, node), known)
        case "string":
            return _string(text_of(file, node))
        case "template_string" if not any("substitution" in each.type for each in items(node)):
            return _string(text_of(file, node))
        case "unary_expression":
            return _unary(file, node, depth, known)
        case "binary_expression" if child(node, "operator").type == "+":
            left = _literal(file, child(node, "left"), depth + 1)
            right = _literal(file, child(node, "right"), depth + 1)
            return _sum(left, right, known)
    return known


def _unread(file: File, node: Node) -> Unread:
    what = _UNREAD.get(node.type, "an expression")
    if file.is_filled_in(node.start_byte, node.end_byte):
        what = "filled in by the theme's template"
    return Unread(what, plain(text_of(file, node)))


def _entry(file: File, item: Node, depth: int) -> tuple[str, Value]:
    line = line_of(item)
    name = item.child_by_field_name("key") or item.child_by_field_name("name")
    if item.type != "pair" or name is None:
        key = text_of(file, item if name is None else name)
        return key[:200], Value(_unread(file, item), line)
    if name.type == "computed_property_name" and len(inner := items(name)) == 1:
        name = inner[0]
    key = _string(text_of(file, name)) if name.type == "string" else text_of(file, name)
    return key[:200], Value(_literal(file, child(item, "value"), depth + 1), line)


def _number(text: str, unread: Unread | Literal) -> Literal:
    text = text.lower().replace("_", "")
    if not text.startswith("0x"):
        text = text.removesuffix("n")
    try:
        if re.fullmatch(r"0[0-7]+", text):  # octal, of old
            return int(text, 8)
        number = float(int(text.rstrip("n"), 0)) if re.match("0[xob]", text) else float(text)
        # a whole number that a double can hold is an int here
        return int(number) if number.is_integer() and abs(number) <= 2**53 else number
    except (ValueError, OverflowError):
        return unread


def _string(literal: str) -> str:
    def unescape(found: re.Match[str]) -> str:
        long, short, byte, octal, char = found.groups()
        if octal:
            return chr(int(octal, 8))
        if code := long or short or byte:
            return chr(min(int(code, 16), 0x10FFFF))
        return _ESCAPED.get(char, char)

    text = _ESCAPE.sub(unescape, literal[1:-1].replace("\r\n", "\n"))
    # two halves of a character make one; a half alone is none
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unary(file: File, node: Node, depth: int, unread: Literal) -> Literal:
    sign = node.children[0].type
    known = _literal(file, child(node, "argument"), depth + 1)
    if sign == "void":
        return None
    if sign == "!" and not isinstance(known, Unread | dict | list):
        return not known
    if sign in {"-", "+"} and isinstance(known, int | float) and not isinstance(known, bool):
        return -known if sign == "-" else known
    return unread


def _sum(left: Literal, right: Literal, unread: Literal) -> Literal:
    for each in (left, right):
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            return unread
    if isinstance(left, str) or isinstance(right, str):
        return f"{left}{right}"
    return left + right  # type: ignore[operator]
