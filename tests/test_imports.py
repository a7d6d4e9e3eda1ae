"""Imports go down, between the packages and inside each; a forbidden one fails `make lint`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import structure

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")
FORBIDDEN = [
    ("notify_me.klaviyo", "storefront"),
    ("notify_me.klaviyo", "klaviyo_sandbox"),
    ("notify_me.klaviyo", "app"),
    ("notify_me.klaviyo", "notify_me.web.views"),
    ("klaviyo_sandbox.state", "notify_me"),
    ("klaviyo_sandbox.state", "klaviyo_sandbox.pages.views"),
    ("storefront.base", "demo"),
    ("storefront.base", "klaviyo_sandbox"),
    ("storefront.base", "notify_me.web.views"),
    ("storefront.base", "storefront.shop.views"),
    ("storefront.studio", "storefront.importing.run"),
]
"""A package, and what a module in it must not import."""


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


def test_each_forbidden_import_is_found(tree: Path) -> None:
    """All of them planted at once, each is named."""
    there = [
        (package, imported)
        for package, imported in FORBIDDEN
        # a fork may have deleted an optional package
        if all(
            (tree / name.replace(".", "/")).parent.exists() for name in (f"{package}.x", imported)
        )
    ]
    planted = {}
    for number, (package, imported) in enumerate(there):
        planted[number] = tree / package.replace(".", "/") / f"planted{number}.py"
        planted[number].write_text(f"import {imported}\n", encoding="utf-8")
    result = lint(tree)
    for file in planted.values():
        file.unlink()

    assert result.returncode == 1, result.stdout + result.stderr
    told = " ".join(result.stdout.split())
    for number, (package, imported) in enumerate(there):
        assert re.search(rf"{package}\.planted{number} -> {imported}\b", told), imported


def test_a_module_in_no_layer_is_found(tree: Path) -> None:
    """Somebody must say where it belongs."""
    planted = tree / "notify_me" / "planted.py"
    planted.write_text("", encoding="utf-8")
    result = lint(tree)
    planted.unlink()

    assert result.returncode == 1, result.stdout + result.stderr
    assert "planted" in result.stdout + result.stderr


def test_no_import_cycle(capsys: pytest.CaptureFixture[str]) -> None:
    """`make structure` finds none, in no package."""
    assert structure.main() == 0, capsys.readouterr().out


def test_a_cycle_is_found() -> None:
    """It would be named."""
    assert structure.cycle({"a": ["b"], "b": ["c"], "c": ["a"]})[0] in {"a", "b", "c"}
    assert structure.cycle({"a": ["b"], "b": ["c"]}) == []
