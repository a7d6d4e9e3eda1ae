"""Runs axe on a page in every look: light, dark and forced colours, narrow and wide.

Results that axe can't decide ("incomplete") are reviewed by hand in `incomplete.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_ALL_RULES = {"type": "tag", "values": WCAG}
SCHEMES = ("light", "dark", "forced")
WIDTHS = (360, 1280)
EVERY_LOOK = tuple((scheme, width) for scheme in SCHEMES for width in WIDTHS)
COLOR_RULES = ["color-contrast", "link-in-text-block"]
"""The rules whose results depend on the colour scheme."""

HEIGHT = 1600
"""Pixels: tall enough that no dialog scrolls, since axe can't check the colours of hidden parts."""

Look = tuple[str, int]

# With forced colours, axe reads -webkit-text-fill-color, which Chromium computes as if colours
# weren't forced. axe then reports the shop's own colours.
_FORCED = """() => {
  const own = CSSStyleDeclaration.prototype.getPropertyValue;
  CSSStyleDeclaration.prototype.getPropertyValue = function (name) {
    return own.call(this, name === "-webkit-text-fill-color" ? "color" : name);
  };
}"""

# a stylesheet that the Content-Security-Policy allows
_SHEET = """css => {
  const sheet = window.__spacing ??= new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
}"""
_SPACING = """* {
  line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important;
} p { margin-block-end: 2em !important }"""
# excluded: visually hidden elements (one pixel wide), and scrollable regions that can be focused
_CUT_OFF = """() => [...document.querySelectorAll("html, dialog[open], body *")].filter(node => {
  if (node.scrollWidth <= node.clientWidth + 1 || node.clientWidth < 2) return false;
  const { overflowX } = getComputedStyle(node);
  if (node === document.documentElement || node.matches("dialog")) return true;
  // the caret moves through a long value
  if (node.matches("input") && node.value) return false;
  if (["hidden", "clip"].includes(overflowX)) return true;
  return overflowX !== "visible" && node.tabIndex < 0 && !node.querySelector("a[href], button");
}).map(node => node.outerHTML)"""


@dataclass(frozen=True)
class Finding:
    """One result for one element. `reason` is axe's key for why it can't decide."""

    rule: str
    element: str
    reason: str

    def __str__(self) -> str:
        """Return one line for a report."""
        return " ".join(filter(None, (self.rule, self.element, self.reason)))


@dataclass(frozen=True)
class AxeResult:
    """The results of axe in one look."""

    look: Look
    violations: frozenset[Finding]
    incomplete: frozenset[Finding]


def set_window_size(page: Page, width: int = 1280) -> None:
    """Set the window size before a state is reached, so that states don't depend on their order."""
    page.set_viewport_size({"width": width, "height": HEIGHT})


def run_axe(page: Page, looks: Iterable[Look] = EVERY_LOOK) -> Iterator[AxeResult]:
    """Run axe on the current page in each look. The page stays in the last look.

    Another colour scheme at a width that was already tested is only tested with `COLOR_RULES`.
    """
    # outside the page: what it hovers over depends on the previous state and on timing
    page.mouse.move(-1, -1)
    _inject(page)
    page.evaluate(_FORCED)
    widths: set[int] = set()
    for scheme, width in looks:
        show(page, scheme)
        set_window_size(page, width)
        rules = {"type": "rule", "values": COLOR_RULES} if width in widths else _ALL_RULES
        widths.add(width)
        options = {
            "runOnly": rules,
            "resultTypes": ["violations", "incomplete"],
            "iframes": False,
        }
        found = page.evaluate("options => axe.run(options)", options)
        yield AxeResult(
            (scheme, width),
            frozenset(_findings(found["violations"])),
            frozenset(_findings(found["incomplete"])),
        )


def show(page: Page, scheme: str) -> None:
    """Emulate the colour scheme `light`, `dark` or `forced`."""
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light",
        forced_colors="active" if scheme == "forced" else "none",
    )


def layout_problems(page: Page, widths: Iterable[int] = (320, 768, 1280)) -> list[str]:
    """Return where text is cut off or the page scrolls horizontally.

    320 px corresponds to 400 % zoom of a 1280 px window. Each width is checked with and without the
    text spacing of WCAG 1.4.12.
    """
    problems = []
    for spacing in ("", _SPACING):
        page.evaluate(_SHEET, spacing)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 800})
            where = f"{width} px{', spaced' if spacing else ''}"
            problems += [f"{where}: {_element(html)}" for html in page.evaluate(_CUT_OFF)]
    return problems


def _findings(rules: list[dict[str, Any]]) -> Iterator[Finding]:
    for rule in rules:
        for node in rule["nodes"]:
            checks = [*node["any"], *node["all"], *node["none"]]
            data = [check["data"] for check in checks if isinstance(check["data"], dict)]
            reasons = (entry.get("messageKey") for entry in data)
            yield Finding(rule["id"], _element(node["html"]), next(filter(None, reasons), ""))


def _element(html: str) -> str:
    """Return an element's tag and classes, such as `p.hint`."""
    tag = re.match(r"<([\w-]+)([^>]*)", html)
    assert tag
    classes = re.search(r'\bclass="([^"]*)"', tag[2])
    return ".".join([tag[1], *(classes[1].split() if classes else ())])


@dataclass(frozen=True)
class Reviewed:
    """Results that axe can't decide, reviewed by hand; `why` says why they are fine."""

    rule: str
    reason: str
    elements: tuple[str, ...]
    pages: tuple[str, ...]
    why: str

    def covers(self, state: str, finding: Finding) -> bool:
        """Return whether this entry covers the finding in a state of `tests/pages.py`."""
        return (
            (self.rule, self.reason) == (finding.rule, finding.reason)
            and finding.element in self.elements
            and any(fnmatchcase(state, page) for page in self.pages)
        )


@cache
def reviewed() -> tuple[Reviewed, ...]:
    """Return the entries of `incomplete.toml`."""
    text = Path(__file__).with_name("incomplete.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["reviewed"]
    return tuple(
        Reviewed(**entry | {name: tuple(entry[name]) for name in ("elements", "pages")})
        for entry in entries
    )


def not_reviewed(state: str, result: AxeResult) -> list[str]:
    """Return the undecided results in this state that nobody has reviewed."""
    return sorted(
        str(finding)
        for finding in result.incomplete
        if not any(entry.covers(state, finding) for entry in reviewed())
    )


def violations(
    page: Page, context: str = "html", rules: Sequence[str] = ()
) -> dict[str, list[object]]:
    """Return axe's violations in the part of the page that `context` selects.

    Without `rules`, all rules of WCAG 2.2 AA apply. The contents of frames aren't tested.
    """
    _inject(page)
    options = {
        "runOnly": {"type": "rule", "values": rules} if rules else _ALL_RULES,
        "resultTypes": ["violations"],
        "iframes": False,
    }
    found = page.evaluate("([context, options]) => axe.run(context, options)", [context, options])
    return {rule["id"]: [node["target"] for node in rule["nodes"]] for rule in found["violations"]}


def _inject(page: Page) -> None:
    """Load axe, unless it was loaded for this page before."""
    if page.evaluate("!window.axe"):
        page.evaluate(Axe().axe_script)
