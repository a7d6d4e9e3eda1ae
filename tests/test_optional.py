"""A fork can delete the demo, the Studio and the importer, with their lines in `app.py`."""

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
    "storefront.importing": ("storefront/importing", "tests/storefront/importing"),
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


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("package", DELETED)
def test_package_can_be_deleted(package: str, tmp_path: Path) -> None:
    """The app starts, and the import contracts, types and remaining unit tests pass."""
    fork = tmp_path / "fork"
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "instance")
    shutil.copytree(ROOT, fork, ignore=ignored)
    for name in DELETED[package]:
        path = fork / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    app = (fork / "app.py").read_text("utf-8")
    line = f'    "{package}",\n'
    assert app.count(line) == 1
    (fork / "app.py").write_text(app.replace(line, ""), encoding="utf-8")

    environ = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.db",
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "KLAVIYO_PRIVATE_KEY": "pk_for_tests",
        "DEMO": "1",
        "KLAVIYO_API_URL": "http://127.0.0.1:9",
    }
    output = run(fork, "-c", START_APP.format(environ=environ))
    assert "200 /\n200 /products/haar-parka\n200 /merchant\n" in output
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
