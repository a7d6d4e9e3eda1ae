"""`make structure`: files, lines, import layers and import cycles of each package."""

from __future__ import annotations

import graphlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = [
    name
    for name in ("notify_me", "storefront", "demo", "klaviyo_sandbox")
    if (ROOT / name).exists()
]


def cycle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """The modules of one import cycle, in order; empty where there is none."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def layers(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Modules by layer, the lowest first: each imports from layers below its own alone."""
    sorter = graphlib.TopologicalSorter(imports)
    sorter.prepare()
    found = []
    while sorter.is_active():
        layer = sorted(sorter.get_ready())
        found.append(layer)
        sorter.done(*layer)
    return found


def main() -> int:
    """Print the table, then the layers; the exit status is 1 if there is a cycle."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    print(f"{'package':<17} files  lines  layers  cycles")  # noqa: T201
    details, cycles = [], 0
    for package in PACKAGES:
        files = [path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
        lines = sum(len(path.read_text("utf-8").splitlines()) for path in files)
        modules = [package, *graph.find_descendants(package)]
        # a module may import from the packages that it is in
        imports = {
            module: {
                imported
                for imported in graph.find_modules_directly_imported_by(module)
                if imported in modules and not module.startswith(f"{imported}.")
            }
            for module in modules
        }
        parts: dict[str, set[str]] = {}
        for module, imported in imports.items():
            if module != package:
                own = _part(module)
                below = {_part(each) for each in imported if each != package}
                parts.setdefault(own, set()).update(below - {own})
        found = cycle(imports) or cycle(parts)
        stacked = [] if found else layers(parts)
        cycles += bool(found)
        print(  # noqa: T201
            f"{package:<17} {len(files):>5} {lines:>6,} {len(stacked) or '?':>7} {bool(found):>7}"
        )
        heading = " imports ".join(found) if found else ""
        details += [f"\n{package}", heading] if found else [f"\n{package}, the top layer first"]
        details += [f"  {' '.join(layer)}" for layer in reversed(stacked)]
    print("\n".join(details))  # noqa: T201
    return int(cycles > 0)


def _part(module: str) -> str:
    """The part of its package that a module belongs to: a module or a folder of its top level."""
    return module.split(".")[1]


if __name__ == "__main__":
    sys.exit(main())
