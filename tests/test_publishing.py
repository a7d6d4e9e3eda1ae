"""The website, the distributions and the list of licences can be built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.test_wheel import FOLDERS, build_wheel

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

pytestmark = [pytest.mark.slow, pytest.mark.process]


def run(*command: str) -> str:
    """Run a command in the project's folder and return its output; fail unless it exits with 0."""
    result = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_website_has_all_pages_and_loads_nothing_from_other_servers(tmp_path: Path) -> None:
    """MkDocs is strict: a broken link, a missing anchor or a page without a menu entry fails."""
    run(sys.executable, "-m", "docs.site")
    run(str(BIN / "mkdocs"), "build", "--quiet", "--site-dir", str(tmp_path))

    pages = {page.parent.name: page.read_text("utf-8") for page in tmp_path.glob("**/index.html")}
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} <= set(pages)
    assert "find_variants" in pages["api"]
    loaded = re.compile(
        r"""<(?:script|img|iframe|source)[^>]+src="?https?:|<link[^>]+rel="?(?:stylesheet|preconnect|icon)[^>]+href="?https?:"""
    )
    assert [name for name, page in pages.items() if loaded.search(page)] == []
    assert (tmp_path / "search/search_index.json").stat().st_size > 100_000
    assert (tmp_path / "architecture.svg").read_text("utf-8").count("<rect") > 30


@pytest.mark.parametrize("package", FOLDERS)
def test_distributions_can_be_published(package: str, tmp_path: Path) -> None:
    """Twine accepts the distributions' metadata. The long description, which is the README, has no
    links that only work in the repository.
    """
    wheel = build_wheel(package, tmp_path)
    [source] = tmp_path.glob("*.tar.gz")

    run(str(BIN / "twine"), "check", "--strict", str(wheel), str(source))
    [name] = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/METADATA")]
    metadata = zipfile.ZipFile(wheel).read(name).decode()
    assert metadata.startswith("Metadata-Version")
    assert f"\nProject-URL: Source, {repository()}" in metadata
    assert re.findall(r"\]\((?!https?://)[^)]*\)", metadata) == []


def repository() -> str:
    """Return the URL of the repository."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        hooks = tomllib.load(file)["tool"]["hatch"]["metadata"]["hooks"]
    return str(hooks["custom"]["repository"])


def test_every_dependency_has_a_licence() -> None:
    table = run(sys.executable, "-m", "docs.licences")

    assert table.count("\n") > 50
    assert "UNKNOWN" not in table


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_units_are_valid() -> None:
    units = sorted(map(str, (ROOT / "deploy").glob("restock-*")))
    result = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    # the shop isn't installed in /srv/shop here
    problems = [line for line in result.stderr.splitlines() if "is not executable" not in line]

    assert len(units) == 4
    assert problems == []
