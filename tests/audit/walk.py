"""axe and the HTML checker on every page and state."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Error, Response, sync_playwright

from tests.audit.tools import check_html, print_lines
from tests.axe import (
    EVERY_LOOK,
    Finding,
    Look,
    layout_problems,
    not_reviewed,
    reviewed,
    run_axe,
    set_window_size,
)
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
"""A page around a fragment, so that the fragment can be checked."""


def audit() -> list[str]:
    """Print the number of violations and of checked pages; return the problems."""
    with tempfile.TemporaryDirectory() as folder:
        collected = Collected(Path(folder))
        problems = _walk(collected)
        print_lines(f"  {len(collected.files)} pages and fragments for the Nu HTML checker")
        return problems + check_html(collected.files)


def _walk(collected: Collected) -> list[str]:
    problems: list[str] = []
    violations: Counter[Look] = Counter()
    undecided: dict[str, set[Finding]] = {}
    with sites() as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(reduced_motion="reduce").new_page()
        page.on("response", collected.response)
        for name, reach in STATES.items():
            page.context.clear_cookies()
            set_window_size(page)
            served.sandbox.end_drills()
            reach(Visit(page, served))
            collected.add(name, page.content())
            for result in run_axe(page):
                violations[result.look] += len(result.violations)
                undecided.setdefault(name, set()).update(result.incomplete)
                problems += [
                    f"{name}, {result.look}: {violation}" for violation in result.violations
                ]
                problems += [
                    f"{name}, {result.look}: undecided: {finding}"
                    for finding in not_reviewed(name, result)
                ]
            problems += [f"{name}, {problem}" for problem in layout_problems(page)]
        browser.close()
    print_lines(f"  axe violations in {len(STATES)} pages and states:")
    print_lines(
        *(
            f"    {scheme:7} {width:5} px  {violations[scheme, width]}"
            for scheme, width in EVERY_LOOK
        )
    )
    print_lines(
        f"  undecided, but reviewed in incomplete.toml: {sum(map(len, undecided.values()))}"
    )
    return problems + _stale(undecided)


def _stale(undecided: dict[str, set[Finding]]) -> list[str]:
    """Return the entries in `incomplete.toml` that match no finding.

    An entry stays if any of its elements has a finding: the scroll position decides which of them
    are obscured.
    """
    return [
        f"tests/incomplete.toml: remove {entry.reason} of {list(entry.elements)}"
        for entry in reviewed()
        if not any(
            entry.covers(state, finding)
            for state, findings in undecided.items()
            for finding in findings
        )
    ]


class Collected:
    """Collects HTML: pages, fragments and replies as sent, and pages as rendered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: list[Path] = []
        self._digests: set[str] = set()

    def response(self, response: Response) -> None:
        """Collect the HTML of a response."""
        kind = response.headers.get("content-type", "")
        if "/static/" in response.url or response.status in (303, 304):
            return
        # the body is unavailable after its page was closed
        with suppress(Error):
            if kind.startswith("text/html"):
                self.add("sent", response.text())
            elif "application/json" in kind and "/notify-me/" in response.url:
                self.add("sent", response.json().get("html", ""))

    def add(self, name: str, html: str) -> None:
        """Collect this HTML unless it was collected before."""
        document = html if html.lstrip().lower().startswith("<!doctype") else FRAME.format(html)
        digest = hashlib.sha256(document.encode()).hexdigest()[:8]
        if digest not in self._digests:
            self._digests.add(digest)
            self.files.append(self._folder / f"{name}-{digest}.html")
            self.files[-1].write_text(document, encoding="utf-8")
