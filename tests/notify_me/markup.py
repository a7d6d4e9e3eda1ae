"""A minimal HTML parser for tests: elements, text, and the data of forms."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

from werkzeug.test import TestResponse

_VOID = {"base", "br", "hr", "img", "input", "link", "meta"}


class Element:
    """An element of a page: its attributes (None for those without a value) and its content."""

    def __init__(self, tag: str, attributes: dict[str, str | None], parent: Element | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | str] = []
        self._by_tag: dict[str | None, list[Element]] = {}

    def __getitem__(self, name: str) -> str:
        return self.attributes[name] or ""

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the attribute's value, or the default if the element doesn't have it."""
        return self.attributes.get(name, default)

    @property
    def classes(self) -> list[str]:
        """The names in `class`."""
        return (self.get("class") or "").split()

    @property
    def text(self) -> str:
        """All text inside, with each run of white space as one space."""
        return " ".join("".join(self._strings()).split())

    @property
    def name(self) -> str:
        """The accessible name of a link or a button."""
        return self.get("aria-label") or self.text

    def _strings(self) -> Iterator[str]:
        for child in self.children:
            yield from [child] if isinstance(child, str) else child._strings()

    def all(self, tag: str | None = None, **attributes: str) -> list[Element]:
        """Return the descendants with this tag and these attributes; `class_` is one class."""
        expected = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        class_name = expected.pop("class", None)
        return [
            element
            for element in self._elements(tag)
            if all(element.get(name) == value for name, value in expected.items())
            and (class_name is None or class_name in element.classes)
        ]

    def one(self, tag: str | None = None, **attributes: str) -> Element:
        """Return the only descendant with this tag and these attributes; fail unless one exists."""
        elements = self.all(tag, **attributes)
        assert len(elements) == 1, f"{len(elements)} elements match {tag} {attributes}"
        return elements[0]

    def _elements(self, tag: str | None) -> list[Element]:
        """Return the descendants with this tag, or all of them. The tree is walked only once."""
        if not self._by_tag:
            self._by_tag = {None: [*self._walk()]}
            for element in self._by_tag[None]:
                self._by_tag.setdefault(element.tag, []).append(element)
        return self._by_tag.get(tag, [])

    def _walk(self) -> Iterator[Element]:
        """Yield the descendants in the order of the document."""
        waiting = [child for child in reversed(self.children) if isinstance(child, Element)]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += [child for child in reversed(element.children) if isinstance(child, Element)]

    @property
    def unset(self) -> str:
        """The value that a browser sends for an input without the `value` attribute."""
        return "on" if self.get("type") == "checkbox" else ""

    def form_data(self, **typed: str) -> list[tuple[str, str]]:
        """Return the data that a browser sends for this form, with these values in its fields."""
        return [
            (field["name"], typed.get(field["name"], field.get("value", field.unset) or ""))
            for field in self.all("input")
            if field.get("type") != "checkbox" or "checked" in field
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {}, None)
        self._open = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), self._open)
        self._open.children.append(element)
        if tag not in _VOID:
            self._open = element

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self._open.tag == tag, f"</{tag}> closes <{self._open.tag}>"
        assert self._open.parent is not None
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)


def read(html: str) -> Element:
    """Return the markup as a tree; fail if tags are nested incorrectly."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader._open is reader.root, f"<{reader._open.tag}> is never closed"
    return reader.root


def view(reply: TestResponse) -> Element:
    """Return the markup of a reply: a page, a fragment, or the `html` of a JSON reply."""
    return read(reply.json["html"] if reply.json is not None else reply.text)


def state(reply: TestResponse) -> str:
    """Return the state in the view's root element, such as `form` or `done`."""
    [root] = [element for element in view(reply).all() if "data-notify-me-state" in element]
    return root["data-notify-me-state"]


def post_form(root: Element) -> Element:
    """Return the sign-up form: the only form that is posted."""
    return root.one("form", method="post")
