"""The wheels of the kit and the sandbox: contents, dependencies, and the sandbox's command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import grimp
import pytest
import requests

ROOT = Path(__file__).parents[1]
FOLDERS = {"notify_me": ROOT, "klaviyo_sandbox": ROOT / "klaviyo_sandbox"}
"""The folder with the pyproject.toml of each package that has a wheel."""
KIT_DEPENDENCIES = {
    "alembic",
    "babel",
    "dbos",
    "email-validator",
    "filelock",
    "flask",
    "jinja2",
    "limits",
    "nh3",
    "phonenumberslite",
    "pydantic",
    "requests",
    "sqlalchemy",
    "tinycss2",
    "wtforms",
}
"""Every shop installs these: before you add one, consider whether the kit can do without it."""
OPTIONAL = {"notify_me": {"flask-babel", "tomlkit", "tree-sitter", "tree-sitter-javascript"}}
"""Imported only where they are needed, and only if they are installed."""


def build_wheel(package: str, folder: Path) -> Path:
    """Build the source distribution, then the wheel from it, and return the wheel."""
    command = [sys.executable, "-m", "build", "--no-isolation", "-o", str(folder)]
    subprocess.run([*command, FOLDERS[package]], check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    return wheel


def source_files(package: str) -> set[str]:
    """Return the files of the package, without generated files and files only for packaging."""
    excluded = {"", ".br", ".gz", ".md", ".pyc", ".toml"}
    files = (file for file in (ROOT / package).rglob("*") if file.suffix not in excluded)
    return {str(file.relative_to(ROOT)) for file in files}


def distribution_names(requirements: list[str]) -> set[str]:
    """Return the normalized names of the requirements that belong to no extra."""
    names = (re.match(r"[\w.-]+", line) for line in requirements if "extra ==" not in line)
    return {normalized(name[0]) for name in names if name}


def normalized(name: str) -> str:
    """Return the name in the form that package indexes compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared_dependencies(package: str) -> set[str]:
    """Return the names in `[project].dependencies`."""
    text = (FOLDERS[package] / "pyproject.toml").read_text("utf-8")
    return distribution_names(tomllib.loads(text)["project"]["dependencies"])


@pytest.mark.process
@pytest.mark.parametrize("package", FOLDERS)
def test_wheel_contains_its_package_and_nothing_else(package: str, tmp_path: Path) -> None:
    names = zipfile.ZipFile(build_wheel(package, tmp_path)).namelist()

    assert {name for name in names if ".dist-info/" not in name} == source_files(package)


@pytest.mark.slow
@pytest.mark.process
def test_installed_sandbox_starts_with_its_command(tmp_path: Path) -> None:
    wheel = build_wheel("klaviyo_sandbox", tmp_path)
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    subprocess.run([*pip, "--no-index", str(wheel)], check=True, capture_output=True, timeout=120)
    # the dependencies are those of this environment, so that the test needs no package index
    [packages] = environment.glob("lib/*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    with subprocess.Popen(
        [environment / "bin" / "klaviyo-sandbox"],
        cwd=tmp_path,
        env={**os.environ, "HOST": "127.0.0.1", "SANDBOX_PORT": "0", "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            account = requests.get(f"{url}/_sandbox/account", timeout=20).json()
        finally:
            process.terminate()

    assert account["private_key"].startswith("pk_")


def test_direct_dependencies_of_the_kit() -> None:
    assert declared_dependencies("notify_me") == KIT_DEPENDENCIES


@pytest.mark.parametrize("package", FOLDERS)
def test_declared_dependencies_are_the_imported_ones(package: str) -> None:
    """Packages that a declared dependency installs, such as Werkzeug, needn't be declared."""
    graph = grimp.build_graph(package, include_external_packages=True, cache_dir=None)
    external = {module for module in graph.modules if graph.is_module_squashed(module)}
    distributions = packages_distributions()
    imported = {
        normalized(distributions[module][0]) for module in external - sys.stdlib_module_names
    }

    declared = declared_dependencies(package)
    installed = {name for line in declared for name in distribution_names(requires(line) or [])}
    assert declared <= imported
    assert imported - declared - OPTIONAL.get(package, set()) <= installed
