"""The documentation links to pages and names files that exist, and its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests import structure

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page for pattern in ("*.md", "docs/*.md", "klaviyo_sandbox/*.md") for page in ROOT.glob(pattern)
)
BLOCK = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^ *```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(
    r"`((?:\.ci|app|benchmarks|demo|docs|klaviyo_sandbox|notify_me|static|storefront|templates"
    r"|tests|translations)/[\w./-]+|\w+\.(?:py|toml))`"
)
"""A code span that names a file or folder of the project."""
CREATED = {"shop.py", "templates/tee.html", "templates/base.html", "templates/notify_me/_form.html"}
"""Files that the documentation tells readers to create."""


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub generates for a page's headings."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_existing_pages_and_headings(page: Path) -> None:
    broken = []
    for link in LINK.findall(BLOCK.sub("", page.read_text("utf-8"))):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    """A module may be named without its folder, such as `pauses.py`."""
    files = {
        name.rstrip("/")
        for name in FILE.findall(BLOCK.sub("", page.read_text("utf-8")))
        if name not in CREATED
    }
    missing = [
        name
        for name in files
        if not (ROOT / name).exists()
        and not any(any((ROOT / package).rglob(name)) for package in structure.PACKAGES)
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_examples_are_valid(page: Path) -> None:
    for example in PYTHON.findall(page.read_text("utf-8")):
        compile(dedent(example), page.name, "exec")


def test_troubleshooting_quotes_messages_that_exist() -> None:
    """The messages quoted in the first column of the page's tables are in the code."""
    files = [ROOT / "app.py", ROOT / "gunicorn.conf.py"]
    files += [
        file for package in ("notify_me", "storefront") for file in (ROOT / package).rglob("*.py")
    ]
    code = re.sub(r'"\s*\n\s*f?"', "", "\n".join(file.read_text("utf-8") for file in files))
    page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    cells = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
    quoted = [text for cell in cells for text in re.findall(r'`([^`]+ [^`]+)`|"([^"]+)"', cell)]
    parts = [part.strip(" ()") for pair in quoted for part in "".join(pair).split("…")]

    assert len(parts) > 20
    assert [part for part in parts if part not in code] == []


@pytest.mark.parametrize("name", ["security.md", "reliability.md"])
def test_named_tests_exist(name: str) -> None:
    """Each test named on the page is in the file that is named before it in the same table cell."""
    page = (ROOT / "docs" / name).read_text("utf-8")
    missing, count = [], 0
    for cell in page.split("|"):
        folders = [ROOT, ROOT / "tests", ROOT / "tests" / "notify_me"]
        source = ""
        for word in re.findall(r"`((?:[\w/]*/)?test_\w+(?:\.py)?)`", cell):
            if word.endswith(".py"):
                files = [folder / word for folder in folders if (folder / word).is_file()]
                source = files[0].read_text("utf-8") if files else ""
                missing += [] if files else [word]
            elif source:
                count += 1
                missing += [] if f"def {word}(" in source else [word]

    assert count > 10
    assert missing == []
