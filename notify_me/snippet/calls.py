"""Finding `klaviyo.init(…)`, `klaviyo.enable(…)` and `klaviyo.logging(…)` in a theme's file."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .literals import Value, child, items, line_of, text_of, value_of
from .source import File, MissingExtraError, SnippetError, plain, scripts

if TYPE_CHECKING:
    from tree_sitter import Node

PARSE_TIMEOUT = 3.0
"""Seconds that a script may take to parse."""

_CALL = re.compile(rb"klaviyo\s*(?:\?\s*)?\.\s*(?:init|enable)\b")
_NAME = re.compile(r"(?:(?:window|self|top|globalThis)\s*\??\.\s*)?klaviyo", re.ASCII)
_FUNCTIONS = {"init", "enable", "logging"}
_MOST_CALLS = 50
_DEEP = re.compile(rb"(?:[\[({]\s*){500}")


@dataclass(frozen=True)
class Call:
    """One call: `init`, `enable` or `logging`, with its arguments."""

    name: str
    arguments: tuple[Value, ...]
    line: int


@dataclass(frozen=True)
class Remark:
    """Something beside the calls that a reader of the result must know."""

    what: str
    line: int
    reason: str


@dataclass
class Found:
    """Every call of a file, in its order."""

    calls: list[Call] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def load_module(name: str) -> Any:
    """A module of the extra `import`; raises `MissingExtraError`."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise MissingExtraError(name.replace("_", "-")) from None


def find_calls(text: str) -> Found:
    """The calls in a file of HTML or JavaScript. Raises `SnippetError`."""
    file = File(text)
    found = Found()
    for code in scripts(file.masked, _CALL) if file.is_html else [file.masked]:
        if _CALL.search(code):
            _read_script(file, code, found)
    if not found.calls:
        more = ""
        if _CALL.search(file.original):
            more = "; what stands in comments, or outside of <script> in HTML, is no call"
        raise SnippetError(
            'The file has neither klaviyo.init({…}) nor klaviyo.enable("backinstock", {…}): give '
            f"the theme's file that has Klaviyo's back-in-stock snippet, often theme.liquid{more}"
        )
    return found


def _read_script(file: File, code: bytes, found: Found) -> None:
    root = _parse(code)
    calls = [node for node in _calls(root) if _is_klaviyos(file, node)]
    if root.has_error:
        _check_error(file, code, root, calls, found)
    for node in calls:
        if len(found.calls) == _MOST_CALLS:
            line = line_of(node)
            raise SnippetError(f"The file has more than {_MOST_CALLS} calls of klaviyo", line)
        function = child(child(node, "function"), "property")
        arguments = items(child(node, "arguments"))
        found.calls.append(
            Call(
                text_of(file, function),
                tuple(value_of(file, each) for each in arguments),
                line_of(node),
            )
        )
        tags = [span for span in file.tags if node.start_byte <= span[0] < node.end_byte]
        for start, end in tags[:20]:
            tag = file.original[start:end].decode(errors="replace")
            if not re.match(r"\{%-?\s*end", tag):
                reason = "a template's tag, left out: what stands around it was read as if every "
                found.remarks.append(
                    Remark(plain(tag), file.line(start), f"{reason}condition held")
                )


def _parse(code: bytes) -> Node:
    library, grammar = load_module("tree_sitter"), load_module("tree_sitter_javascript")
    if _DEEP.search(code):
        # the parser may not stop in time for these
        raise SnippetError("The file has 500 opening brackets in a row, which no snippet has")
    parser = library.Parser(library.Language(grammar.language()))
    deadline = time.monotonic() + PARSE_TIMEOUT
    try:
        tree = parser.parse(
            lambda offset, _: code[offset : offset + 65_536] or None,
            progress_callback=lambda *_: time.monotonic() > deadline,
        )
    except ValueError:
        raise SnippetError(
            f"The file takes more than {PARSE_TIMEOUT:.0f} seconds to read: copy the <script> "
            "with the two klaviyo calls into a file of its own"
        ) from None
    root: Node = tree.root_node
    return root


def _calls(root: Node) -> Iterator[Node]:
    """Every call below a node, in the order of the file."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == "call_expression":
            yield node
        waiting += reversed(node.named_children)


def _is_klaviyos(file: File, node: Node) -> bool:
    function = node.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return False
    owner, name = child(function, "object"), child(function, "property")
    arguments = node.child_by_field_name("arguments")
    return (
        owner.end_byte - owner.start_byte <= 100
        and _NAME.fullmatch(text_of(file, owner)) is not None
        and text_of(file, name) in _FUNCTIONS
        and arguments is not None
        and arguments.type == "arguments"
    )


def _check_error(file: File, code: bytes, root: Node, calls: list[Node], found: Found) -> None:
    """Refuse a script that no browser would run, unless its template's tags may be the reason."""
    node = root
    while not (node.is_error or node.is_missing):
        node = next(each for each in node.children if each.has_error)
    # an error begins with what could still be read
    inside = [each for each in node.children if each.is_error or each.is_missing]
    place, end = (inside or [node])[0].start_byte, len(code.rstrip())
    templated = bool(file.tags or file.outputs)
    if templated and calls and not any(_is_broken(each) for each in calls):
        reason = "without its template's tags it is not valid JavaScript; the calls were read"
        found.remarks.append(Remark("the code around the calls", file.line(place), reason))
        return
    if place >= end or (not inside and node.end_byte >= end):
        place, message = end - 1, "it ends too early, so a bracket or a quote is not closed"
    else:
        rest = code[place:end].split(b"\n")[0].decode(errors="replace")
        message = f"is a comma, a quote or a bracket missing near {plain(rest, 30)}?"
    if templated:
        message += (
            " The script has template tags such as {% … %}, which are left out: put their "
            "outcome in their place, or copy the two calls into a file of their own"
        )
    raise file.wrong(place, message)


def _is_broken(node: Node) -> bool:
    """Whether a call wasn't read whole, or stands in something that was skipped."""
    above: Node | None = node
    while above is not None and not above.is_error:
        above = above.parent
    return node.has_error or above is not None
