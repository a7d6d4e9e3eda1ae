"""Forks: optional packages can be deleted, and docs/fork.md leads to a shop whose tests pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations import QUICK

ROOT = Path(__file__).parents[1]
DELETED = {
    "demo": ("demo", "tests/demo", "tests/browser/test_tour.py"),
    "storefront.branding": ("storefront/branding", "tests/storefront/branding"),
    "storefront.importing": (
        "storefront/importing",
        "tests/storefront/importing",
        "tests/browser/test_imported_shop.py",
    ),
    "storefront.studio": (
        "storefront/studio",
        "tests/storefront/studio",
        "tests/browser/test_studio.py",
    ),
}
"""The files to delete with each package."""
START_APP = """
from app import create_app
app = create_app({environ})
with app.app_context():
    app.extensions["alembic"].upgrade()
    app.cli.commands["storefront"].main(["load"], standalone_mode=False)
client = app.test_client()
for path in ("/", "/products/haar-parka", "/merchant"):
    print(client.get(path).status_code, path)
"""


SHOP = """
name = "Fjell & Fjord"
currency = "NOK"
country = "NO"
accent = "#7a1f4d"
contact = "hei@fjell.example"
tagline = { en = "for the hills", de = "für die Berge" }
[hero.title]
en = "Head for the hills"
[departments.kitchen]
name = "Kitchen"
"""
NEW_SETTINGS = {
    'offered = ["en", "de", "fr", "es", "ar"]': 'offered = ["en", "de"]',
    'label = "Notify me"': 'label = "Tell me"',
}
"""Replacements in `notify_me.toml`."""
CATALOG = """
{"products": [{"handle": "kettle", "title": "Kettle", "gloss": "For tea", "category": "kitchen",
 "summary": "It whistles.", "description": ["It whistles."], "drawing": "mug", "colour": "#884422",
 "variants": [{"sku": "KET-1", "options": [], "price": 299, "quantity": 0}]}]}
"""
START_FORK = """
import re
from app import create_app
app = create_app({environ})
with app.app_context():
    app.extensions["alembic"].upgrade()
    app.cli.commands["storefront"].main(["load", "catalog.json"], standalone_mode=False)
client = app.test_client()
for path in ("/", "/categories/kitchen", "/products/kettle", "/products/kettle?lang=de", "/terms"):
    page = client.get(path).text
    assert "Fjell &amp; Fjord" in page, path
    assert not re.search("smirr|haar", page, re.IGNORECASE), path
assert "Tell me" in client.get("/products/kettle").text
print("started")
"""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("package", DELETED)
def test_package_can_be_deleted(package: str, tmp_path: Path) -> None:
    """The app starts, and the import contracts, types and remaining unit tests pass."""
    fork = copy_project(tmp_path)
    delete(fork, package)

    output = run(fork, "-c", START_APP.format(environ=environ(tmp_path, DEMO="1")))
    assert "200 /\n200 /products/haar-parka\n200 /merchant\n" in output
    check(fork)


@pytest.mark.slow
@pytest.mark.process
def test_fork_that_follows_the_checklist(tmp_path: Path) -> None:
    """A fork with its own look, products, wording and languages, without optional packages,
    shows nothing of the sample shop. It starts without the sandbox, and its tests pass with it.
    """
    fork = copy_project(tmp_path)
    (fork / "shop.toml").write_text(SHOP, encoding="utf-8")
    (fork / "catalog.json").write_text(CATALOG, encoding="utf-8")
    settings = (fork / "notify_me.toml").read_text("utf-8")
    for old, new in NEW_SETTINGS.items():
        assert settings.count(old) == 1
        settings = settings.replace(old, new)
    (fork / "notify_me.toml").write_text(settings, encoding="utf-8")
    for package in DELETED:
        delete(fork, package)

    (fork / "klaviyo_sandbox").rename(tmp_path / "sandbox")
    assert "started" in run(fork, "-c", START_FORK.format(environ=environ(tmp_path)))
    (tmp_path / "sandbox").rename(fork / "klaviyo_sandbox")
    check(fork)


def copy_project(folder: Path) -> Path:
    """Copy the project without Git's folder and generated files."""
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "instance")
    return Path(shutil.copytree(ROOT, folder / "fork", ignore=ignored))


def delete(fork: Path, package: str) -> None:
    """Delete an optional package as docs/fork.md says."""
    guide = (ROOT / "docs/fork.md").read_text("utf-8")
    for name in DELETED[package]:
        assert f"`{name}`" in guide or f"`{name}/`" in guide
        path = fork / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    app = (fork / "app.py").read_text("utf-8")
    line = f'    "{package}",\n'
    assert app.count(line) == 1
    (fork / "app.py").write_text(app.replace(line, ""), encoding="utf-8")


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a shop with a database in `folder`."""
    return {
        "DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "KLAVIYO_PRIVATE_KEY": "pk_for_tests",
        "KLAVIYO_API_URL": "http://127.0.0.1:9",
        **more,
    }


def check(fork: Path) -> None:
    """Run what `make check` runs, without the spelling checker."""
    run(fork, "-m", "ruff", "check", "--no-cache")
    run(fork, "-m", "ruff", "format", "--check", "--no-cache")
    run(fork, str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    run(fork, "-m", "mypy")
    # the docs still describe what was deleted
    other_tests = ["--ignore", "tests/test_docs.py", "tests"]
    result = run(fork, "-m", "pytest", "-q", "-n", "2", "-m", QUICK, *other_tests)
    assert " passed" in result


def run(folder: Path, *arguments: str) -> str:
    """Run Python and return its output; fail unless it exits with 0."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout
