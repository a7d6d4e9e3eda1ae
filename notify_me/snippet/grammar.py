"""tree-sitter, loaded when a snippet is read and no earlier: it comes with an optional extra."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .source import ExtraMissingError, SnippetError, Source, Span, within

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Tree

PATIENCE = 3.0
"""How many seconds one file may take in all."""

_CLIMB = 3  # klaviyo, window.klaviyo, window.klaviyo.init, and then the call
_NAMES = {"identifier", "property_identifier", "member_expression"}
_LOGGED = 200_000
"""Up to this size the parser's log is read for the exact place of an error."""

_PROCESS = re.compile(r"process version:\d+, version_count:\d+, state:\d+, row:(\d+), col:(\d+)")
_STRING = re.compile(rb"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_SPACES = re.compile(rb"[ \t]*")
_BLANK = re.compile(rb"\s*")
_TYPE = re.compile(r"""\stype\s*=\s*["']?([^"'\s>]*)""", re.IGNORECASE)
_SKIPPED_TYPES = re.compile(r"json|template|html|x-", re.IGNORECASE)


def load_module(name: str) -> Any:
    """A module of the extra `import`; raises `ExtraMissingError`."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ExtraMissingError(name.replace("_", "-")) from None


class Grammars:
    """The parsers for one file, with one deadline for everything done with them."""

    def __init__(self, source: Source) -> None:
        self._library = load_module("tree_sitter")
        self._source = source
        self._deadline = time.monotonic() + PATIENCE

    def scripts(self, places: list[int]) -> list[Span]:
        """The `<script>` elements of an HTML file that hold one of the places; no data in them."""
        tree = self._parse("html", self._source.masked)
        found: dict[int, Span] = {}
        for place in places:
            code = self._at(tree, place)
            tag = code.prev_sibling if code is not None and code.type == "raw_text" else None
            if code is None or tag is None or tag.type != "start_tag" or self._is_style(tag):
                continue
            if not _SKIPPED_TYPES.search(self._type(tag)):
                found[code.start_byte] = Span(code.start_byte, code.end_byte)
        return [found[start] for start in sorted(found)]

    def script(self, code: Span, places: list[int]) -> Script:
        """One script, parsed, with the calls of something that begins at one of the places."""
        tree = self._parse("javascript", self._source.masked[code.start : code.end])
        calls: dict[tuple[int, int], Node] = {}
        for place in places:
            if code.start <= place < code.end:
                node = self._at(tree, place - code.start)
                for _ in range(_CLIMB):
                    if node is None or node.type not in _NAMES:
                        break
                    node = node.parent
                if node is not None and node.type == "call_expression":
                    calls[node.start_byte, node.end_byte] = node
        return Script(self, code, tree, [calls[span] for span in sorted(calls)])

    def first_error(self, code: Span, tree: Tree) -> int:
        """Where a script stops to be JavaScript, as a byte of the file."""
        text = self._source.masked[code.start : code.end]
        place = self._logged_error(text) if len(text) <= _LOGGED else None
        if place is None:
            place = _first_error_node(tree.root_node)
        return code.start + min(place, max(len(text.rstrip()) - 1, 0))

    def _language(self, name: str) -> Language:
        language: Language = self._library.Language(load_module(f"tree_sitter_{name}").language())
        return language

    def _parse(
        self, name: str, text: bytes, log: Callable[[object, str], None] | None = None
    ) -> Tree:
        parser: Parser = self._library.Parser(self._language(name))
        if log is not None:
            parser.logger = log
        try:
            return parser.parse(
                lambda offset, _: text[offset : offset + 65_536] or None,
                progress_callback=lambda _, __: time.monotonic() > self._deadline,
            )
        except ValueError:
            raise _too_long() from None

    def _at(self, tree: Tree, place: int) -> Node | None:
        """The node at a place: no query, which takes time in the square of what it looks at."""
        if time.monotonic() > self._deadline:
            raise _too_long()
        return tree.root_node.descendant_for_byte_range(place, place + 1)

    def _is_style(self, tag: Node) -> bool:
        return tag.parent is None or tag.parent.type != "script_element"

    def _type(self, tag: Node) -> str:
        text = self._source.text(Span(tag.start_byte, min(tag.end_byte, tag.start_byte + 2000)))
        found = _TYPE.search(text)
        return found[1] if found else ""

    def _logged_error(self, text: bytes) -> int | None:
        """The furthest place that the parser came to before it first had to recover.

        The tree marks what was skipped, which may begin long before or after what is wrong.
        """
        furthest, recovered = (0, 0), False

        def log(_: object, message: str) -> None:
            nonlocal furthest, recovered
            if not recovered and (place := _PROCESS.match(message)):
                furthest = max(furthest, (int(place[1]), int(place[2])))
            recovered = recovered or message.startswith("resume")

        try:
            self._parse("javascript", text, log)
        except SnippetError:
            return None
        if not recovered:
            return None
        lines = text.split(b"\n")
        offset = sum(len(line) + 1 for line in lines[: furthest[0]]) + furthest[1]
        # a token is blamed where it begins, a text without its end in its own line
        before = _STRING.sub(b"", lines[furthest[0]][: furthest[1]])
        blank = _SPACES if b"'" in before or b'"' in before else _BLANK
        return blank.match(text, offset).end()  # type: ignore[union-attr]  # it may be empty


class Script:
    """One parsed script and the calls in it that may be Klaviyo's."""

    def __init__(self, grammars: Grammars, code: Span, tree: Tree, calls: list[Node]) -> None:
        self._grammars = grammars
        self.code = code
        self.tree = tree
        self.calls = calls

    def error(self) -> int | None:
        """The first byte of the file that is no JavaScript; None if all of it is."""
        if not self.tree.root_node.has_error:
            return None
        return self._grammars.first_error(self.code, self.tree)


def clean(node: Node) -> bool:
    """Whether a call was read whole, and not out of something that was skipped."""
    if node.has_error:
        return False
    above: Node | None = node
    while above is not None and not above.is_error:
        above = above.parent
    return above is None


def has_template(source: Source, code: Span) -> bool:
    """Whether Liquid or Jinja stands in a stretch of the file."""
    return bool(within(source.tags, code) or within(source.outputs, code))


def _too_long() -> SnippetError:
    return SnippetError(
        f"The file takes more than {PATIENCE:.0f} seconds to read: copy the <script> with the "
        "two klaviyo calls into a file of its own"
    )


def _first_error_node(root: Node) -> int:
    node = root
    while not (node.is_error or node.is_missing):
        broken = next((each for each in node.children if each.has_error), None)
        if broken is None:
            break
        node = broken
    return node.start_byte
