"""`pytest --processes` reports every failure, and a process that ends too early."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[1]


def run(folder: Path, tests: str) -> tuple[int, str]:
    """Run a test file in two processes; return pytest's exit status and output."""
    (folder / "test_it.py").write_text(f"import os\nimport pytest\n\n{tests}", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.parallel", "--processes", "2"]
    alone = ["-c", "/dev/null", "--rootdir", str(folder), str(folder)]
    done = subprocess.run([*command, *alone], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_results_are_those_of_all_processes(tmp_path: Path) -> None:
    status, output = run(
        tmp_path,
        """\
@pytest.mark.parametrize("number", range(20))
def test_number(number, capfd):
    assert number != 7

@pytest.fixture
def broken():
    yield
    print("a clue")
    raise ValueError("on purpose")

def test_teardown(broken):
    pass

def test_skip():
    pytest.skip()
""",
    )

    assert status == 1
    assert "1 failed, 20 passed, 1 skipped, 1 error" in output
    assert "test_number[7]" in output
    assert "a clue" in output


def test_process_that_ends_too_early_is_a_failure(tmp_path: Path) -> None:
    status, output = run(tmp_path, "def test_end():\n    os._exit(0)\n")

    assert status == 1
    assert "the process of test_it.py::test_end ended too early, with 0" in output
