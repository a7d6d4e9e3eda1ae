"""What the kit adds to a shop's environment: packages, megabytes and import time.

`python -m benchmarks.adoption` installs Flask and the kit's wheel into separate new environments.
It needs a package index and takes a few minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 15
MEASURE = """
import json, resource, subprocess, sys
def seconds(program):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
programs = sys.argv[2:]
runs = [[seconds(program) for program in programs] for _ in range(int(sys.argv[1]))]
print(json.dumps([min(column) for column in zip(*runs)]))
"""
"""A script that prints the CPU seconds of each program's fastest run. The programs alternate, so
that a busy machine slows all of them alike.
"""


def install(folder: Path, requirement: str) -> Path:
    """Create an environment, install a requirement, and return the environment's Python."""
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, requirement], check=True, stderr=subprocess.DEVNULL)
    return python


def size(python: Path) -> tuple[int, float]:
    """Return the number of packages in an environment, and their size in megabytes."""
    [packages] = python.parents[1].glob("lib/*/site-packages")
    files = [file for file in packages.rglob("*") if file.is_file()]
    return len([*packages.glob("*.dist-info")]), sum(file.stat().st_size for file in files) / 1e6


def main() -> None:
    """Print the comparison."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = [sys.executable, "-m", "build", "--no-isolation", "-o", str(folder), str(ROOT)]
        subprocess.run(build, check=True, capture_output=True)
        [wheel] = folder.glob("*.whl")
        before = size(install(folder / "flask", "flask"))
        python = install(folder / "kit", str(wheel))
        after = size(python)
        programs = ("import flask", "import flask, sqlalchemy", "import notify_me")
        command = [str(python), "-c", MEASURE, str(RUNS), *programs]
        run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
        cpu = json.loads(run.stdout)
    print(f"packages: {before[0]} with Flask, {after[0]} with the kit (+{after[0] - before[0]})")
    print(f"size: {before[1]:.0f} MB, {after[1]:.0f} MB (+{after[1] - before[1]:.0f} MB)")
    for program, seconds in zip(programs, cpu, strict=True):
        ratio = f"{seconds / cpu[1]:.2f} times that of `{programs[1]}`"
        print(f"{program}: {seconds:.2f} s of CPU ({ratio})")


if __name__ == "__main__":
    main()
