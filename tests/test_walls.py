"""The walls between the rooms stand, and each of them stops what it is there to stop."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
    "importlinter"
]
CONTRACTS: dict[str, dict[str, Any]] = {each["name"]: each for each in SETTINGS["contracts"]}
ROOMS = ("notify_me", "klaviyo_sandbox", "storefront")
DOOR = sorted(file.stem for file in ROOT.glob("*.py") if file.stem.isidentifier())
"""The modules beside the rooms, which know them."""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the walls of the tree in this folder."""
    return subprocess.run(
        [LINTER, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rooms, without anything planted."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__", "static", "templates")
        shutil.copytree(ROOT / room, folder / room, ignore=ignored)
    for name in DOOR:
        shutil.copy(ROOT / f"{name}.py", folder)
    return folder


def test_the_walls_stand(tree: Path) -> None:
    """No room imports what it must not know."""
    result = lint(tree)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


def test_every_room_is_behind_a_wall() -> None:
    """The kit's and the sandbox's shut out all the rest; the shop's all but the kit."""
    everything = {*ROOMS, *DOOR}
    forbidden: dict[str, set[str]] = {room: set() for room in ROOMS}
    for contract in CONTRACTS.values():
        for source in contract["source_modules"]:
            forbidden[source].update(contract["forbidden_modules"])

    assert everything - forbidden["notify_me"] == {"notify_me"}
    assert everything - forbidden["klaviyo_sandbox"] == {"klaviyo_sandbox"}
    assert everything - forbidden["storefront"] == {"storefront", "notify_me"}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_wall_stops_a_forbidden_import(tree: Path, name: str) -> None:
    """Every import that the contract forbids, planted at once, is named as broken."""
    contract = CONTRACTS[name]
    [source] = contract["source_modules"]
    planted = tree / source / "planted.py"
    forbidden = contract["forbidden_modules"]
    planted.write_text("".join(f"import {each}\n" for each in forbidden), encoding="utf-8")
    try:
        result = lint(tree)
    finally:
        planted.unlink()

    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{name} BROKEN" in " ".join(result.stdout.split())
    for each in forbidden:
        assert f"{source} is not allowed to import {each}:" in result.stdout
