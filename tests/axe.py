"""axe over one state of a page, in every look: light, dark and forced colours, narrow and wide.

What axe can't decide is held against `incomplete.toml`, where each such finding has been looked at.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCHEMES = ("light", "dark", "forced")
WIDTHS = (360, 1280)
EVERY_LOOK = tuple((scheme, width) for scheme in SCHEMES for width in WIDTHS)

HEIGHT = 1600
"""Pixels: so high that no dialog scrolls, for axe can't tell a colour that is scrolled away."""

Look = tuple[str, int]

# axe reads -webkit-text-fill-color before color, and Chromium computes it as if colours weren't
# forced: black on white is then reported as the shop's own cream on white
_FORCED = """() => {
  const own = CSSStyleDeclaration.prototype.getPropertyValue;
  CSSStyleDeclaration.prototype.getPropertyValue = function (name) {
    return own.call(this, name === "-webkit-text-fill-color" ? "color" : name);
  };
}"""

# a sheet that a Content-Security-Policy lets through
_SHEET = """css => {
  const sheet = window.__spacing ??= new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
}"""
_SPACING = """* {
  line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important;
} p { margin-block-end: 2em !important }"""
# an element that hides its words on purpose is a pixel wide; a region that scrolls may be focused
_CUT_OFF = """() => [...document.querySelectorAll("html, dialog[open], body *")].filter(one => {
  if (one.scrollWidth <= one.clientWidth + 1 || one.clientWidth < 2) return false;
  const { overflowX } = getComputedStyle(one);
  if (one === document.documentElement || one.matches("dialog")) return true;
  return ["hidden", "clip"].includes(overflowX) || (overflowX !== "visible" && one.tabIndex < 0);
}).map(one => one.outerHTML)"""


@dataclass(frozen=True)
class Finding:
    """Something that axe says of one element: `reason` is axe's key of why it can't tell."""

    rule: str
    element: str
    reason: str

    def __str__(self) -> str:
        """As a line of a report."""
        return " ".join(filter(None, (self.rule, self.element, self.reason)))


@dataclass(frozen=True)
class Seen:
    """What axe found in one look."""

    look: Look
    violations: frozenset[Finding]
    incomplete: frozenset[Finding]


def room_for(page: Page) -> None:
    """The window in which each state is reached, so that none depends on the one before it."""
    page.set_viewport_size({"width": 1280, "height": HEIGHT})


def looks_at(page: Page, looks: Iterable[Look] = EVERY_LOOK) -> Iterator[Seen]:
    """Run axe over the page as it is, in each look; leaves the page in the last one."""
    page.evaluate(Axe().axe_script)
    page.evaluate(_FORCED)
    for scheme, width in looks:
        show(page, scheme)
        page.set_viewport_size({"width": width, "height": HEIGHT})
        options = {
            "runOnly": {"type": "tag", "values": WCAG},
            "resultTypes": ["violations", "incomplete"],
        }
        found = page.evaluate("options => axe.run(options)", options)
        yield Seen(
            (scheme, width),
            frozenset(_findings(found["violations"])),
            frozenset(_findings(found["incomplete"])),
        )


def show(page: Page, scheme: str) -> None:
    """Light, dark, or colours that the shopper's system forces."""
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light",
        forced_colors="active" if scheme == "forced" else "none",
    )


def misfits(page: Page, widths: Iterable[int] = (320, 768, 1280)) -> list[str]:
    """Where words are cut off or the page scrolls sideways: at 320 px, which is 400 % zoom of a
    1280 px window, up to 1280 px, and with the text spacing that WCAG 1.4.12 allows a reader.
    """
    found = []
    for spacing in ("", _SPACING):
        page.evaluate(_SHEET, spacing)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 800})
            where = f"{width} px{', spaced' if spacing else ''}"
            found += [f"{where}: {_element(html)}" for html in page.evaluate(_CUT_OFF)]
    return found


def _findings(rules: list[dict[str, Any]]) -> Iterator[Finding]:
    for rule in rules:
        for node in rule["nodes"]:
            checks = [*node["any"], *node["all"], *node["none"]]
            data = [check["data"] for check in checks if isinstance(check["data"], dict)]
            reasons = (each.get("messageKey") for each in data)
            yield Finding(rule["id"], _element(node["html"]), next(filter(None, reasons), ""))


def _element(html: str) -> str:
    """An element by its tag and classes, which say more than axe's path to it."""
    tag = re.match(r"<([\w-]+)([^>]*)", html)
    assert tag
    classes = re.search(r'\bclass="([^"]*)"', tag[2])
    return ".".join([tag[1], *(classes[1].split() if classes else ())])


@dataclass(frozen=True)
class Reviewed:
    """Findings that axe can't decide and somebody has looked at, with why they are fine."""

    rule: str
    reason: str
    elements: tuple[str, ...]
    pages: tuple[str, ...]
    why: str

    def covers(self, state: str, finding: Finding) -> bool:
        """Whether this is about that finding in a state of `tests/pages.py`."""
        return (
            (self.rule, self.reason) == (finding.rule, finding.reason)
            and finding.element in self.elements
            and any(fnmatchcase(state, page) for page in self.pages)
        )


@cache
def reviewed() -> tuple[Reviewed, ...]:
    """What stands in `incomplete.toml`."""
    text = Path(__file__).with_name("incomplete.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["reviewed"]
    return tuple(
        Reviewed(**each | {name: tuple(each[name]) for name in ("elements", "pages")})
        for each in entries
    )


def not_reviewed(state: str, seen: Seen) -> list[str]:
    """What axe can't decide in this state and nobody has looked at."""
    return sorted(
        str(finding)
        for finding in seen.incomplete
        if not any(each.covers(state, finding) for each in reviewed())
    )


def violations(
    page: Page, context: str | None = None, **options: object
) -> dict[str, list[object]]:
    """What axe finds, in the page or in a part of it."""
    only = {"runOnly": {"type": "tag", "values": WCAG}}
    result = Axe().run(page, context=context, options=options or only)
    return {
        each["id"]: [node["target"] for node in each["nodes"]]
        for each in result.response["violations"]
    }
