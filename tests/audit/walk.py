"""One walk through every page and state: axe in every look, and the HTML checker on all of it."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Error, Response, sync_playwright

from tests.audit.tools import check_html, say
from tests.axe import EVERY_LOOK, Finding, Look, looks_at, misfits, not_reviewed, reviewed, room_for
from tests.browser.conftest import ARGUMENTS
from tests.pages import STATES, Visit
from tests.sites import sites
from tests.support import CHROMIUM

FRAME = """<!doctype html>
<html lang="en">
<head><title>A fragment</title></head>
<body><h1>A page</h1>
{}
"""
"""A fragment's surroundings, so that it can be checked alone."""


def audit() -> list[str]:
    """Print axe's table and the count of checked pages; returns what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        collected = Collected(Path(folder))
        wrong = _walk(collected)
        say(f"  {len(collected.files)} pages and fragments for the Nu HTML checker")
        return wrong + check_html(collected.files)


def _walk(collected: Collected) -> list[str]:
    wrong: list[str] = []
    violations: Counter[Look] = Counter()
    undecided: dict[str, set[Finding]] = {}
    with sites() as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(reduced_motion="reduce").new_page()
        page.on("response", collected.response)
        for name, reach in STATES.items():
            page.context.clear_cookies()
            room_for(page)
            served.sandbox.calm()
            reach(Visit(page, served))
            collected.add(name, page.content())
            for seen in looks_at(page):
                violations[seen.look] += len(seen.violations)
                undecided.setdefault(name, set()).update(seen.incomplete)
                wrong += [f"{name}, {seen.look}: {one}" for one in seen.violations]
                wrong += [
                    f"{name}, {seen.look}: undecided {one}" for one in not_reviewed(name, seen)
                ]
            wrong += [f"{name}, {one}" for one in misfits(page)]
        browser.close()
    say(f"  axe's violations in {len(STATES)} pages and states:")
    say(
        *(
            f"    {scheme:7} {width:5} px  {violations[scheme, width]}"
            for scheme, width in EVERY_LOOK
        )
    )
    say(f"  undecided and reviewed: {sum(map(len, undecided.values()))}, see tests/incomplete.toml")
    return wrong + _stale(undecided)


def _stale(undecided: dict[str, set[Finding]]) -> list[str]:
    """The reviewed entries that cover nothing any more."""
    return [
        f"tests/incomplete.toml: nothing needs {each.reason} of {element} in {list(each.pages)}"
        for each in reviewed()
        for element in each.elements
        if not any(
            finding.element == element and each.covers(state, finding)
            for state, findings in undecided.items()
            for finding in findings
        )
    ]


class Collected:
    """HTML as it was sent (whole pages, fragments, replies to the element) and as it then stood."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: list[Path] = []
        self._known: set[str] = set()

    def response(self, response: Response) -> None:
        """Keep what a server sent."""
        kind = response.headers.get("content-type", "")
        if "/static/" in response.url or response.status in (303, 304):
            return
        # a body is gone once its page is: it was seen another time then
        with suppress(Error):
            if kind.startswith("text/html"):
                self.add("sent", response.text())
            elif "application/json" in kind and "/notify-me/" in response.url:
                self.add("sent", response.json().get("html", ""))

    def add(self, name: str, html: str) -> None:
        """Keep some HTML, once."""
        whole = html if html.lstrip().lower().startswith("<!doctype") else FRAME.format(html)
        digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
        if digest not in self._known:
            self._known.add(digest)
            self.files.append(self._folder / f"{name}-{digest}.html")
            self.files[-1].write_text(whole, encoding="utf-8")
