"""Benchmark of the shop's startup, part of `make bench`: the CPU time of `import app`."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from benchmarks.delivery import ROOT

RUNS = 3 if os.environ.get("QUICK") else 15
PROGRAMS = ("import flask, sqlalchemy", "import notify_me", "import app")


def cpu_seconds(program: str) -> float:
    """Run a program in a new process and return its CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the CPU time of each program: the fastest of several runs."""
    # the programs alternate, so that a busy machine slows all of them alike
    runs = [[cpu_seconds(program) for program in PROGRAMS] for _ in range(RUNS)]
    fastest = [min(seconds) for seconds in zip(*runs, strict=True)]
    print()
    for program, seconds in zip(PROGRAMS, fastest, strict=True):
        print(f"{program}: {seconds:.2f} s of CPU, {seconds / fastest[0]:.1f} times the first")


if __name__ == "__main__":
    main()
