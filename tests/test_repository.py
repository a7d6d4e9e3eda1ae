"""Rules for all files of the project: secrets, lock files, strict templates."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from klaviyo_sandbox import make_account

ROOT = Path(__file__).parents[1]
KEY = re.compile(r"pk_[0-9a-f]{34}")
TEMPLATES = sorted(
    file
    for pattern in ("templates", "*/templates", "*/*/templates")
    for folder in ROOT.glob(pattern)
    for file in folder.rglob("*.html")
)
LOCKS = ("requirements.lock", "requirements-dev.lock")


def tracked() -> list[Path]:
    """Return the files under version control, and untracked files that aren't ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.process
@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="needs a git checkout"
)
def test_no_file_contains_a_private_key() -> None:
    """Even a made-up key is forbidden: a secret scanner would report it."""
    files = tracked()

    assert ROOT / "pyproject.toml" in files
    files_with_keys = [
        str(file.relative_to(ROOT))
        for file in files
        if KEY.search(file.read_bytes().decode("utf-8", "replace"))
    ]
    assert files_with_keys == []


@pytest.mark.parametrize("folder", ["notify_me", "storefront", "demo", "templates", "translations"])
def test_no_code_or_text_names_the_sample_shop(folder: str) -> None:
    """The names of the shop and its products are only in `shop.toml`, the catalog file and
    pictures.
    """
    words = re.compile(r"smirr|northpine|haar|plowter|blatter|cranreuch|oorlich", re.IGNORECASE)
    types = {".py", ".html", ".txt", ".xml", ".js", ".css", ".po", ".toml"}
    files = [file for file in (ROOT / folder).rglob("*") if file.suffix in types]

    assert files or not (ROOT / folder).exists()
    assert [str(file) for file in files if words.search(file.read_text("utf-8"))] == []


def test_custom_properties_of_stylesheets_are_defined() -> None:
    """An undefined property without a fallback makes the whole declaration invalid."""
    folders = ("static", "notify_me", "storefront", "demo", "klaviyo_sandbox")
    sheets = [
        re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.S)
        for folder in folders
        for file in (ROOT / folder).rglob("*.css")
    ]
    defined = {name for sheet in sheets for name in re.findall(r"(--[\w-]+)\s*:", sheet)}
    used = {name for sheet in sheets for name in re.findall(r"var\(\s*(--[\w-]+)\s*\)", sheet)}

    assert used
    assert used - defined == set()


def test_private_key_pattern_matches_a_key() -> None:
    assert KEY.search(f"KLAVIYO_PRIVATE_KEY={make_account().private_key}\n")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_file_names_no_host(name: str) -> None:
    """The lock file works with any package index."""
    text = (ROOT / name).read_text("utf-8")

    assert re.findall(r"https?:|--(?:extra-)?index-url|--find-links|--trusted-host|@ ", text) == []


@pytest.mark.parametrize("folder", ["tests/audit", "tests/klaviyo_sandbox/node_sdk"])
def test_npm_lock_file_names_no_registry(folder: str) -> None:
    file = ROOT / folder / "package-lock.json"

    assert '"resolved"' not in file.read_text("utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_file_pins_and_hashes_every_requirement(name: str) -> None:
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip() and line[0] != "#"]

    assert len(requirements) > 10
    pinned = re.compile(r"[\w.\[\]-]+==[\w.!+]+(?: ; [^#]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line.split()[0] for line in requirements if not pinned.fullmatch(line)] == []


def test_development_lock_file_has_the_versions_of_the_shop() -> None:
    pins = [
        set(re.findall(r"^[\w.\[\]-]+==\S+", (ROOT / name).read_text("utf-8"), re.M))
        for name in LOCKS
    ]

    assert pins[0] <= pins[1]


INLINE = {
    "style element": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.I),
    "script address": re.compile(r"javascript:", re.I),
    "script with a body": re.compile(r"<script\b[^>]*>\s*(?!</script>)\S", re.I),
    "script without a source": re.compile(r"<script\b(?![^>]*\ssrc=)", re.I),
    "unescaped output": re.compile(r"\|\s*safe\b|autoescape\s+false", re.I),
}


def inline(markup: str) -> list[str]:
    """Return what a strict Content-Security-Policy would block in the markup."""
    markup = re.sub(r"\{#.*?#\}", "", markup, flags=re.S)
    # Jinja expressions inside a tag may contain >
    tags = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", markup, flags=re.S)
    # structured data for search engines isn't executed; only one escaped value is allowed in it
    tags = tags.replace('<script type="application/ld+json"></script>', "")
    return [
        name
        for name, pattern in INLINE.items()
        if pattern.search(markup if name == "unescaped output" else tags)
    ]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT)))
def test_template_has_no_inline_style_or_script(template: Path) -> None:
    assert inline(template.read_text("utf-8")) == []


@pytest.mark.parametrize("folder", ["templates", "notify_me", "klaviyo_sandbox"])
def test_templates_are_found(folder: str) -> None:
    assert any(ROOT / folder in file.parents for file in TEMPLATES)


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ("<style>p{}</style>", "style element"),
        ("<p class='a'\n style='color:red'>", "style attribute"),
        ("<p {% if a > b %}x{% endif %} style='color:red'>", "style attribute"),
        ("<button type='submit' onclick='go()'>", "event attribute"),
        ("<a href='javascript:go()'>", "script address"),
        ("<script type='module' src='/a.js'>go()</script>", "script with a body"),
        ("<script>go()</script>", "script without a source"),
        ("<script type='application/json'>{}</script>", "script without a source"),
        ('<script type="application/ld+json">{}</script>', "script with a body"),
        ("<p>{{ title | safe }}</p>", "unescaped output"),
        ("{% autoescape false %}", "unescaped output"),
    ],
)
def test_inline_style_or_script_is_reported(markup: str, problem: str) -> None:
    assert problem in inline(markup)


@pytest.mark.parametrize(
    "markup",
    [
        '<script type="module" src="{{ url }}"></script><p>style = "x" onclick=</p>',
        '<script type="application/ld+json">{{ product|tojson }}</script>',
    ],
)
def test_external_scripts_and_structured_data_are_allowed(markup: str) -> None:
    assert inline(markup) == []
