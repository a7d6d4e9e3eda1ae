"""Finding `klaviyo.init(…)`, `klaviyo.enable(…)` and `klaviyo.logging(…)` in a theme's file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .grammar import Grammars, Script, clean, has_template
from .source import SnippetError, Source, Span, load, plain, within
from .values import Evaluator, Value

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_CALLS = 50
_CALLED = re.compile(rb"klaviyo\s*(?:\?\s*)?\.\s*(?:init|enable)\b")
_PLACES = re.compile(rb"klaviyo(?=\s*(?:\?\s*)?\.\s*(?:init|enable|logging)\b)")
_DEEP = re.compile(rb"(?:[\[({][ \t\r\n]{0,9}){500}")  # the parser may not stop in time for these
_MOST_PLACES = 200
_TOKEN = re.compile(rb"[\w$]{1,60}|[!-~]")
_END_TAG = re.compile(r"\{%-?\s*end", re.ASCII)
_HTML = re.compile(rb"\A\s*<|^[ \t]*<(?:script|!doctype|html|body|div)\b", re.I | re.M)
_OURS = re.compile(r"(?:(?:window|self|top|globalThis)\s*\??\.\s*)?klaviyo", re.ASCII)


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


def find_calls(text: str, html: bool | None) -> Found:
    """The calls in a file of HTML or JavaScript; raises `SnippetError`."""
    source = load(text)
    # what has no call needs no parser
    if not _CALLED.search(source.masked):
        raise _neither(source)
    places = [hit.start() for hit in _PLACES.finditer(source.masked)]
    if len(places) > _MOST_PLACES:
        raise SnippetError(f"The file names klaviyo's functions more than {_MOST_PLACES} times")
    if _DEEP.search(source.masked):
        raise SnippetError("The file has 500 opening brackets in a row, which no snippet has")
    grammars = Grammars(source)
    is_html = bool(_HTML.search(source.masked)) if html is None else html
    scripts = grammars.scripts(places) if is_html else [Span(0, len(source.masked))]
    found = Found()
    for code in scripts:
        if _CALLED.search(source.masked, code.start, code.end):
            _read_script(source, grammars.script(code, places), found)
    if not found.calls:
        raise _neither(source)
    return found


def _neither(source: Source) -> SnippetError:
    more = ""
    if _CALLED.search(source.original):
        more = "; what stands in comments, or outside of <script> in HTML, is no call"
    return SnippetError(
        'The file has neither klaviyo.init({…}) nor klaviyo.enable("backinstock", {…}): '
        f"give the theme's file that has Klaviyo's back-in-stock snippet, often theme.liquid{more}"
    )


def _read_script(source: Source, script: Script, found: Found) -> None:
    evaluator = Evaluator(source, script.code.start)
    calls = [node for node in script.calls if _is_klaviyo(evaluator, node)]
    _check(source, script, calls, found)
    for node in calls:
        if len(found.calls) >= _MOST_CALLS:
            line = evaluator.line(node)
            raise SnippetError(f"The file has more than {_MOST_CALLS} calls of klaviyo", line)
        arguments = node.child_by_field_name("arguments")
        function = node.child_by_field_name("function")
        name = function.child_by_field_name("property") if function is not None else None
        if arguments is None or arguments.type != "arguments" or name is None:
            continue
        values = tuple(evaluator.value(each) for each in evaluator.items(arguments))
        found.calls.append(Call(evaluator.text(name), values, evaluator.line(node)))
        for tag in within(source.tags, evaluator.span(node))[:20]:
            if _END_TAG.match(source.text(tag)):
                continue
            found.remarks.append(
                Remark(
                    plain(source.text(tag)),
                    source.line(tag.start),
                    "a template's tag, left out: what stands around it was read as if every "
                    "condition held",
                )
            )


def _check(source: Source, script: Script, calls: list[Node], found: Found) -> None:
    """Refuse a script that no browser would run, unless its template's tags may be the reason."""
    place = script.error()
    if place is None:
        return
    templated = has_template(source, script.code)
    if templated and calls and len(calls) <= _MOST_CALLS and all(map(clean, calls)):
        found.remarks.append(
            Remark(
                "the code around the calls",
                source.line(place),
                "without its template's tags it is not valid JavaScript; the calls were read",
            )
        )
        return
    if _at_end(source, script, place):
        message = "the script ends too early, so a bracket or a quote is not closed"
    else:
        seen = _TOKEN.match(source.masked, place)
        shown = plain(seen[0].decode(errors="replace")) if seen else "this"
        message = f"{shown} is not expected here; is something missing before it?"
    if templated:
        message += (
            " The script has template tags such as {% … %}, which are left out: put their "
            "outcome in their place, or copy the two calls into a file of their own"
        )
    raise source.wrong(place, message)


def _at_end(source: Source, script: Script, place: int) -> bool:
    return not source.masked[place + 1 : script.code.end].strip() and (
        source.masked[place : place + 1] not in {b")", b"}", b"]"}
    )


def _is_klaviyo(evaluator: Evaluator, node: Node) -> bool:
    function = node.child_by_field_name("function")
    owner = function.child_by_field_name("object") if function is not None else None
    if owner is None or owner.end_byte - owner.start_byte > 100:
        return False
    return _OURS.fullmatch(evaluator.text(owner)) is not None
