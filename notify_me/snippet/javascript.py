"""Find the options of Klaviyo's script: calls to `klaviyo.init(…)` and `klaviyo.enable(…)`, or
bare options such as `modal: {…}`.

The text is JavaScript, or HTML with or without Liquid, Jinja or PHP tags. It may also be a copy
from a page: HTML source (`&lt;script&gt;`), Markdown source (`product\\_page\\_text`), or code
in the middle of prose. Everything that isn't JavaScript is replaced with spaces, so that line
numbers stay the same, and tree-sitter parses the rest. Nothing is executed: only the values of
literals are read.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .errors import SnippetError, load_module, one_line
from .options import SECTIONS

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_BYTES = 200_000
"""The maximum size of a file. A theme's layout is about 10,000 bytes."""
PARSE_TIMEOUT = 3.0
"""Seconds that parsing may take. Some malformed input would take the parser minutes."""

_CALL = re.compile(rb"klaviyo\s*(?:\?\s*)?\.\s*(?:init|enable)\b")
_KLAVIYO = re.compile(r"(?:(?:window|self|globalThis)\s*\??\.\s*)?klaviyo")
_LOOKS_LIKE_HTML = re.compile(rb"\A\s*<|^[ \t]*<(?:script|!doctype|html|body|div)\b", re.I | re.M)
_TEMPLATE = re.compile(
    rb"\{%-?\s*comment\b.*?(?:endcomment\s*-?%\}|\Z)|\{%.*?(?:%\}|\Z)"
    rb"|(?P<output>\{\{[^{}]*\}\}|<\?=.*?(?:\?>|\Z))|<\?(?:php)?\s.*?(?:\?>|\Z)",
    re.S,
)
_IN_VALUE = re.compile(rb"\{\{|\{%|<\?")
"""A template tag in a value: only the shop's server knows what it is replaced with."""
_HTML = re.compile(
    rb"<!--.*?(?:-->|\Z)|<script\b(?P<attributes>[^>]*)(?:>|\Z)(?P<code>.*?)(?:</script|\Z)",
    re.I | re.S,
)
_DATA_SCRIPT = re.compile(rb"\btype\s*=\s*[\"']?[^\"'\s>]*(?:json|template|html|x-)", re.I)
"""The type of a `<script>` that contains data or a template instead of JavaScript."""
_CODE_BLOCK = re.compile(r"(<(pre|code|textarea)\b[^>]*>)(.*?)(</\2\s*>|\Z)", re.I | re.S)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.I)
_MARKDOWN_ESCAPE = re.compile(r"\\([_*\[\]{}()#+.!<>&:|~-])")
_MARKDOWN_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.M)
_OMISSION = re.compile(r"^[ \t]*(?:\.\.\.|…)[ \t]*,?[ \t]*$", re.M)
"""A line that is only an ellipsis, where documentation leaves out options."""
_TYPOGRAPHIC = re.compile(r"(?:\benable\s*\(|(?:^|[{,])\s*\w+\s*:)\s*[“”„‘’]", re.M)
"""Code with typographic quotation marks, as inserted by word processors."""
_OPENING_QUOTE = re.compile(r"(?<=[:,(\[{])(\s*)([“”„‘’])")
_CLOSING_QUOTE = re.compile(r"([“”‘’])(?=\s*(?:[,)\]}:]|$))", re.M)
_SECTION = rb"(?P<section>\b(?:trigger|modal)[\"']?\s*:\s*(?=\{))"
_FUNCTION = rb"(?P<call>(?:\bwindow\.)?\bklaviyo\s*\.\s*(?:init|enable)\s*(?=\())"
_TOKEN = re.compile(
    rb"//[^\n]*|/\*.*?(?:\*/|\Z)|<!--.*?(?:-->|\Z)"
    rb"|\"(?:[^\"\\\n]|\\.)*(?:\"|$)|(?<!\w)'(?:[^'\\\n]|\\.)*(?:'|$)|`(?:[^`\\]|\\.)*(?:`|\Z)"
    rb"|" + _SECTION + rb"|" + _FUNCTION + rb"|(?P<open>[({\[])|(?P<close>[)}\]])",
    re.S | re.M,
)
"""A comment, a string, a bracket, or the beginning of a section or a call."""
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.S)
_CONSTANTS = {"object", "string", "template_string", "number", "true", "false"}
"""The types of syntax nodes that are literals. A variable with such a value is read as a constant.
"""
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\n": "", "0": "\0"}


@dataclass(frozen=True, slots=True)
class NonLiteral:
    """An expression whose value can't be read, because it isn't a literal."""

    text: str


JSLiteral: TypeAlias = "str | int | float | bool | dict[str, Value] | NonLiteral | None"
"""A JavaScript value as a Python object; None for null and undefined."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value, and the line where it is set."""

    literal: JSLiteral
    line: int


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A call to one of the functions of Klaviyo's script, or bare options in its place."""

    name: str
    """`init`, `enable`, or `options` for bare options outside a call."""
    arguments: tuple[Value, ...]
    line: int
    has_tags: bool
    """Whether the call contains template tags such as `{% if … %}`."""

    def names(self) -> Iterable[str]:
        """Return the names of the options in its first argument."""
        literal = self.arguments[0].literal
        return literal if isinstance(literal, dict) else ()


def find_calls(text: str) -> list[ScriptCall]:
    """Return the calls to `klaviyo.init` and `klaviyo.enable` in `text`, or else its bare options.

    Raises `SnippetError` if there are none, the text is too long or the JavaScript is invalid.
    """
    text = _OMISSION.sub("", text.removeprefix("\ufeff").replace("\r\n", "\n"))
    if (size := len(text.encode(errors="replace"))) > MAX_BYTES:
        raise SnippetError(
            f"The text is {size:,} bytes; the limit is {MAX_BYTES:,}. Use only the <script> with "
            "the klaviyo calls"
        )
    readings = list(dict.fromkeys(_readings(text)))
    error: SnippetError | None = None
    for find in (_calls, _bare_options):
        for reading in readings:
            try:
                if calls := find(reading):
                    return calls
            except SnippetError as problem:
                error = error or problem
    raise error or SnippetError(
        'The text contains neither klaviyo.init({…}) nor klaviyo.enable("backinstock", {…}) '
        "outside comments, nor options such as modal: {…}: use the part of the theme with "
        "Klaviyo's back-in-stock snippet, often theme.liquid"
    )


def _readings(text: str) -> Iterator[str]:
    """Yield the text with straight quotation marks, and then versions without what Markdown, HTML
    or an email may have added.
    """
    if _TYPOGRAPHIC.search(text):
        quotes = {"‘": "'", "’": "'"}
        text = _OPENING_QUOTE.sub(lambda match: match[1] + quotes.get(match[2], '"'), text)
        text = _CLOSING_QUOTE.sub(lambda match: quotes.get(match[1], '"'), text)
    yield text
    if re.search(r"\w\\_\w", text):
        text = _MARKDOWN_ESCAPE.sub(r"\1", text)
        yield text
    stripped = _CODE_BLOCK.sub(lambda block: block[1] + _TAG.sub("", block[3]) + block[4], text)
    for _ in range(2):  # some pages escape their source twice
        if (unescaped := html.unescape(stripped)) == text:
            break
        text = stripped = unescaped
        yield text
    text = _TAG.sub("", re.sub(r"<br\s*/?>", "\n", text, flags=re.I))
    yield text
    yield re.sub(r"^[ \t]*>[ \t]?", "", text.replace("`", ""), flags=re.M)


def _calls(text: str) -> list[ScriptCall]:
    source = text.encode(errors="replace")
    code = _without_tags(source)
    if _LOOKS_LIKE_HTML.search(code):
        code = _only_scripts(code)
    try:
        return list(_Script(source, code).calls())
    except SnippetError:
        # the error may be outside the calls, for example in the sentences around them
        spans = _spans(code, "call")
        if not spans:
            raise
        source, code = (_only_spans(part, spans, b";") for part in (source, code))
        return list(_Script(source, code).calls())


def _bare_options(text: str) -> list[ScriptCall]:
    """Return bare options such as `trigger: {…}, modal: {…}` as the argument of one call."""
    source = _MARKDOWN_FENCE.sub("", text).strip(" \t;,").encode(errors="replace")
    code = _without_tags(source)
    if re.match(rb"\s*\{.*\}\s*\Z", code, re.S):
        wrapped = [b"(" + part + b")" for part in (source, code)]
    else:
        wrapped = [b"({" + part + b"\n})" for part in (source, code)]
    call = _Script(*wrapped).options()
    if call and any(name in SECTIONS for name in call.names()):
        return [call]
    spans = _spans(code, "section")
    if not spans:
        return []
    wrapped = [b"({" + _only_spans(part, spans, b",") + b"\n})" for part in (source, code)]
    lines_by_section: dict[bytes, list[str]] = {}
    for start, _ in spans:
        # five letters are enough to tell `modal` from `trigger`
        section = code[start : start + 5]
        line = code.count(b"\n", 0, start) + 1
        lines_by_section.setdefault(section, []).append(str(line))
    if repeated := [lines for lines in lines_by_section.values() if len(lines) > 1]:
        raise SnippetError(
            f"The text contains several sets of options, on lines {', '.join(repeated[0])}: "
            "use only the one for your theme"
        )
    script = _Script(*wrapped)
    if call := script.options():
        return [call]
    raise script.syntax_error()


def _without_tags(source: bytes) -> bytes:
    """Return the source without the template tags of Liquid, Jinja or PHP. An output tag such as {{
    shop.id }} becomes a name, so that the script can still be parsed.
    """
    return _TEMPLATE.sub(
        lambda match: b"$" * len(match[0]) if match["output"] else _blank(match[0]), source
    )


def _spans(code: bytes, kind: str) -> list[tuple[int, int]]:
    """Return the start and end of every call or section outside comments and strings. `kind` is
    `call` or `section`, the name of a group in `_TOKEN`.
    """
    spans, start, depth = [], None, 0
    for token in _TOKEN.finditer(code):
        if token[kind] and start is None:
            start, depth = token.start(), 0
        elif token["open"]:
            depth += 1
        elif token["close"] and start is not None:
            depth -= 1
            if depth == 0:
                spans.append((start, token.end()))
                start = None
    if start is not None:
        spans.append((start, len(code)))  # a bracket is missing, which the parser reports
    return spans


def _only_spans(code: bytes, spans: list[tuple[int, int]], separator: bytes) -> bytes:
    """Blank out everything but the spans, and end each with a separator."""
    parts, position = [], 0
    for start, end in spans:
        parts += [_blank(code[position:start]), code[start:end], separator]
        position = end
    return b"".join([*parts, _blank(code[position:])])


def _blank(code: bytes) -> bytes:
    return re.sub(rb"[^\n]", b" ", code)


def _only_scripts(code: bytes) -> bytes:
    """Blank out everything but the scripts that call one of Klaviyo's functions."""
    result = bytearray(_blank(code))
    for match in _HTML.finditer(code):
        script = match["code"]
        if script and _CALL.search(script) and not _DATA_SCRIPT.search(match["attributes"]):
            start, end = match.span("code")
            result[start:end] = script
            result[end : end + 1] = b";"  # between two scripts on one line
    return bytes(result)


class _Script:
    """Parses a script and reads its calls to Klaviyo's functions."""

    def __init__(self, source: bytes, code: bytes) -> None:
        self._source, self._code = source, code
        self._constants: dict[str, Node] = {}

    def calls(self) -> Iterator[ScriptCall]:
        if not _CALL.search(self._code):
            return
        root = self._parse()
        nodes = [node for node in _descendants(root) if self._is_klaviyo_call(node)]
        if root.has_error and (not nodes or any(map(_is_broken, nodes))):
            raise self.syntax_error()
        self._find_constants(root)
        for node in nodes:
            function, arguments = _field(node, "function"), _field(node, "arguments")
            yield ScriptCall(
                self._text(_field(function, "property")),
                tuple(self._value(argument) for argument in _items(arguments)),
                _line(node),
                b"{%" in self._source[node.start_byte : node.end_byte],
            )

    def options(self) -> ScriptCall | None:
        """Return the options if the script is nothing but one object in parentheses."""
        root = self._parse()
        nodes = _items(root)
        if root.has_error or len(nodes) != 1:
            return None
        value = self._value(nodes[0].named_children[0])
        return ScriptCall("options", (value,), _line(nodes[0]), b"{%" in self._source)

    def _find_constants(self, root: Node) -> None:
        """Find the variables that are set once, to a literal."""
        values: dict[str, list[Node]] = {}
        for node in _descendants(root):
            if node.type == "variable_declarator":
                name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            elif node.type in {"assignment_expression", "augmented_assignment_expression"}:
                name, value = _field(node, "left"), _field(node, "right")
            else:
                continue
            if name is not None and value is not None:
                values.setdefault(self._text(name), []).append(value)
        self._constants = {
            name: nodes[0]
            for name, nodes in values.items()
            if len(nodes) == 1 and nodes[0].type in _CONSTANTS
        }

    def _parse(self) -> Node:
        library, grammar = load_module("tree_sitter"), load_module("tree_sitter_javascript")
        deadline = time.monotonic() + PARSE_TIMEOUT
        try:
            tree = library.Parser(library.Language(grammar.language())).parse(
                lambda offset, _: self._code[offset : offset + 65_536] or None,
                progress_callback=lambda *_: time.monotonic() > deadline,
            )
        except ValueError:
            raise SnippetError(
                f"The text takes more than {PARSE_TIMEOUT:.0f} seconds to parse: use only the "
                "<script> with the klaviyo calls"
            ) from None
        root: Node = tree.root_node
        return root

    def _text(self, node: Node) -> str:
        """Return the source text of a node, including template tags."""
        return self._source[node.start_byte : node.end_byte].decode(errors="replace")

    def _is_klaviyo_call(self, node: Node) -> bool:
        if node.type != "call_expression":
            return False
        function, arguments = _field(node, "function"), _field(node, "arguments")
        if function.type != "member_expression" or arguments.type != "arguments":
            return False
        owner, name = _field(function, "object"), self._text(_field(function, "property"))
        return name in {"init", "enable"} and bool(_KLAVIYO.fullmatch(self._text(owner)))

    def syntax_error(self) -> SnippetError:
        node = self._parse()
        while not node.is_missing:
            inner = next((child for child in node.children if child.has_error), None)
            if inner is None:
                break
            node = inner
        end = len(self._source.rstrip(b"\n })"))  # don't report an empty line at the end
        line = self._source.count(b"\n", 0, min(node.start_byte, end))
        text = self._source.split(b"\n")[line].decode(errors="replace")
        return SnippetError(
            f"Line {line + 1} is not valid JavaScript: is a comma, a quotation mark or a bracket "
            f"missing near {one_line(text.strip().removeprefix('({'))!r}? Template tags such as "
            "{% … %} are ignored"
        )

    def _value(self, node: Node) -> Value:
        return Value(self._literal(node), _line(node))

    def _literal(self, node: Node) -> JSLiteral:
        non_literal = NonLiteral(one_line(self._text(node)))
        match node.type:
            case "object":
                # as in JavaScript, the last of several entries with the same name wins
                return dict(self._entry(item) for item in _items(node))
            case "true" | "false":
                return node.type == "true"
            case "null" | "undefined":
                return None
            case "parenthesized_expression" if len(inner := _items(node)) == 1:
                return self._literal(inner[0])
            case _ if _IN_VALUE.search(self._source, node.start_byte, node.end_byte):
                return non_literal
            case "number":
                return _number(self._text(node), non_literal)
            case "string":
                return _string(self._text(node))
            case "template_string" if all(
                child.type != "template_substitution" for child in node.children
            ):
                return _string(self._text(node))
            case "unary_expression":
                operator, operand = self._text(node.children[0]), _field(node, "argument")
                value = self._literal(operand)
                if operator == "-" and isinstance(value, int | float):
                    return -value
                if operator == "!" and operand.type == "number":  # !0 in minified code
                    return not value
            case "binary_expression" if self._text(_field(node, "operator")) == "+":
                left, right = (self._literal(_field(node, side)) for side in ("left", "right"))
                if isinstance(left, str) and isinstance(right, str):
                    return left + right
            case "identifier" if constant := self._constants.get(self._text(node)):
                return self._literal(constant)
        return non_literal

    def _entry(self, item: Node) -> tuple[str, Value]:
        key = item.child_by_field_name("key")
        if item.type != "pair" or key is None:
            # a method, a shorthand or a spread
            name = self._text(item.child_by_field_name("name") or item)
            literal: JSLiteral = NonLiteral(one_line(self._text(item)))
        else:
            if key.type == "computed_property_name":  # such as ["trigger"]
                key = key.named_children[0]
            name = _string(self._text(key)) if key.type == "string" else self._text(key)
            literal = self._literal(_field(item, "value"))
        return one_line(name), Value(literal, _line(item))


def _descendants(root: Node) -> Iterator[Node]:
    """Yield all nodes below `root` in the order of the file."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(node.named_children)


def _field(node: Node, name: str) -> Node:
    child = node.child_by_field_name(name)
    assert child is not None  # noqa: S101 - the grammar requires it
    return child


def _items(node: Node) -> list[Node]:
    return [child for child in node.named_children if "comment" not in child.type]


def _line(node: Node) -> int:
    return node.start_point[0] + 1


def _is_broken(node: Node) -> bool:
    """Return whether a node contains a syntax error or is inside one."""
    ancestor: Node | None = node
    while ancestor is not None and not ancestor.is_error:
        ancestor = ancestor.parent
    return node.has_error or ancestor is not None


def _number(text: str, non_literal: NonLiteral) -> JSLiteral:
    try:
        number = float(text)
    except ValueError:
        return non_literal
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number


def _string(literal: str) -> str:
    def unescape(match: re.Match[str]) -> str:
        long, short, byte, char = match.groups()
        if code := long or short or byte:
            return chr(min(int(code, 16), 0x10FFFF))
        return _ESCAPED.get(char, char)

    text = _ESCAPE.sub(unescape, literal[1:-1])
    # two escaped surrogates make one character; a single one can't be encoded
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
