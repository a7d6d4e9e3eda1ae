"""Files, lines, import layers and import cycles of each package: `make structure`."""

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
    """Return the modules of one import cycle in order, or an empty list."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def layers(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Group modules into layers, lowest first: a module imports only from layers below its own."""
    sorter = graphlib.TopologicalSorter(imports)
    sorter.prepare()
    result = []
    while sorter.is_active():
        layer = sorted(sorter.get_ready())
        result.append(layer)
        sorter.done(*layer)
    return result


def main() -> int:
    """Print a table and the layers; return 1 if there is an import cycle, else 0."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    print(f"{'package':<17} files  lines  layers  cycles")  # noqa: T201
    details, cycles = [], 0
    for package in PACKAGES:
        files = [path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
        lines = sum(len(path.read_text("utf-8").splitlines()) for path in files)
        modules = [package, *graph.find_descendants(package)]
        # a module may import from its parent packages
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
                part = _part(module)
                imported_parts = {_part(name) for name in imported if name != package}
                parts.setdefault(part, set()).update(imported_parts - {part})
        found_cycle = cycle(imports) or cycle(parts)
        package_layers = [] if found_cycle else layers(parts)
        cycles += bool(found_cycle)
        print(  # noqa: T201
            f"{package:<17} {len(files):>5} {lines:>6,} {len(package_layers) or '?':>7} "
            f"{bool(found_cycle):>7}"
        )
        if found_cycle:
            details += [f"\n{package}", " imports ".join(found_cycle)]
        else:
            details.append(f"\n{package}, highest layer first")
        details += [f"  {' '.join(layer)}" for layer in reversed(package_layers)]
    print("\n".join(details))  # noqa: T201
    return int(cycles > 0)


def _part(module: str) -> str:
    """Return the top-level module or folder of the package that contains `module`."""
    return module.split(".")[1]


if __name__ == "__main__":
    sys.exit(main())
