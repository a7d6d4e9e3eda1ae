"""The import contracts in pyproject.toml reject forbidden imports and cycles."""

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
"""A package, and a module that it must not import."""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the project in `folder`."""
    return subprocess.run(
        [LINTER, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, to which the tests add forbidden imports."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "app.py"):
        shutil.copy(ROOT / name, folder)
    for package in structure.PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "static", "templates")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def test_project_follows_the_contracts(tree: Path) -> None:
    result = lint(tree)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_forbidden_import_is_reported(tree: Path) -> None:
    imports = [
        (package, imported)
        for package, imported in FORBIDDEN
        # a fork may have deleted an optional package
        if all(
            (tree / name.replace(".", "/")).parent.exists() for name in (f"{package}.x", imported)
        )
    ]
    added = {}
    for number, (package, imported) in enumerate(imports):
        added[number] = tree / package.replace(".", "/") / f"added{number}.py"
        added[number].write_text(f"import {imported}\n", encoding="utf-8")
    result = lint(tree)
    for file in added.values():
        file.unlink()

    assert result.returncode == 1, result.stdout + result.stderr
    output = " ".join(result.stdout.split())
    for number, (package, imported) in enumerate(imports):
        assert re.search(rf"{package}\.added{number} -> {imported}\b", output), imported


def test_module_without_a_layer_is_reported(tree: Path) -> None:
    added = tree / "notify_me" / "added.py"
    added.write_text("", encoding="utf-8")
    result = lint(tree)
    added.unlink()

    assert result.returncode == 1, result.stdout + result.stderr
    assert "added" in result.stdout + result.stderr


def test_packages_have_no_import_cycle(capsys: pytest.CaptureFixture[str]) -> None:
    assert structure.main() == 0, capsys.readouterr().out


def test_import_cycle_is_found() -> None:
    assert structure.cycle({"a": ["b"], "b": ["c"], "c": ["a"]})[0] in {"a", "b", "c"}
    assert structure.cycle({"a": ["b"], "b": ["c"]}) == []
