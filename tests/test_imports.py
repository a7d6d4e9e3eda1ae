"""Imports go down, between the packages and inside each; a forbidden one fails `make lint`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import structure

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")
FORBIDDEN = [
    ("notify_me/klaviyo/planted.py", "storefront"),
    ("notify_me/klaviyo/planted.py", "klaviyo_sandbox"),
    ("notify_me/klaviyo/planted.py", "app"),
    ("notify_me/klaviyo/planted.py", "notify_me.web.views"),
    ("notify_me/planted.py", "notify_me.settings"),
    ("klaviyo_sandbox/state/planted.py", "notify_me"),
    ("klaviyo_sandbox/state/planted.py", "klaviyo_sandbox.pages.views"),
    ("storefront/base/planted.py", "demo"),
    ("storefront/base/planted.py", "klaviyo_sandbox"),
    ("storefront/base/planted.py", "notify_me.web.views"),
    ("storefront/base/planted.py", "storefront.shop.views"),
    ("storefront/studio/planted.py", "storefront.importing"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the import contracts of the tree in this folder."""
    return subprocess.run(
        [LINTER, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, without anything planted."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "app.py"):
        shutil.copy(ROOT / name, folder)
    for package in structure.PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "static", "templates")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def test_the_contracts_hold(tree: Path) -> None:
    """Nothing imports what it must not know."""
    result = lint(tree)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("file", "imported"), FORBIDDEN)
def test_a_forbidden_import_is_found(tree: Path, file: str, imported: str) -> None:
    """A new module in no layer counts as one, too."""
    planted = tree / file
    if not planted.parent.exists() or not (tree / imported.replace(".", "/")).parent.exists():
        pytest.skip("an optional package was deleted")
    planted.write_text(f"import {imported}\n", encoding="utf-8")
    try:
        result = lint(tree)
    finally:
        planted.unlink()

    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout or "planted" in result.stdout


def test_no_import_cycle(capsys: pytest.CaptureFixture[str]) -> None:
    """`make structure` finds none, in no package."""
    assert structure.main() == 0, capsys.readouterr().out


def test_a_cycle_is_found() -> None:
    """It would be named."""
    assert structure.cycle({"a": ["b"], "b": ["c"], "c": ["a"]})[0] in {"a", "b", "c"}
    assert structure.cycle({"a": ["b"], "b": ["c"]}) == []
