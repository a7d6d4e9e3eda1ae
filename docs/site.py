"""Prepares the pages of the website for `make docs-site`; `--diagram` draws docs/architecture.svg.

The site is built with MkDocs Material (mkdocs.yml), which reads the same Markdown as GitHub.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
import tomllib
from pathlib import Path

import grimp

from tests.structure import layers

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGES = ROOT / "build" / "docs"
"""Where the prepared pages are written."""
PACKAGES = [
    name
    for name in ("demo", "storefront", "notify_me", "klaviyo_sandbox")
    if (ROOT / name).is_dir()
]

BOX, GAP, ROW = (104, 28), 12, 58
"""The size of a box, the gap between boxes, and the height of a layer, in pixels."""


def prepare() -> None:
    """Copy the pages, with the README as the home page and links that work on the website."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir(parents=True)
    with (ROOT / "pyproject.toml").open("rb") as file:
        hooks = tomllib.load(file)["tool"]["hatch"]["metadata"]["hooks"]
    source = hooks["custom"]["repository"]
    for page in DOCS.glob("*.md"):
        text = page.read_text("utf-8")
        (PAGES / page.name).write_text(_for_website(text, page.parent, source), encoding="utf-8")
    readme = _for_website((ROOT / "README.md").read_text("utf-8"), ROOT, source)
    (PAGES / "index.md").write_text(readme, encoding="utf-8")
    for image in (*DOCS.glob("*.png"), *DOCS.glob("*.webp")):
        shutil.copy(image, PAGES)
    (PAGES / "architecture.svg").write_text(architecture(), encoding="utf-8")


def _for_website(text: str, folder: Path, source: str) -> str:
    """Make relative links point to the website's pages, or to the repository for other files."""

    def replace(match: re.Match[str]) -> str:
        link, anchor = match[1], match[2] or ""
        target = (folder / link).resolve()
        if target.parent == DOCS:
            return f"]({target.name}{anchor})"
        return f"]({source}/blob/main/{target.relative_to(ROOT)}{anchor})"

    return re.sub(r"\]\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)", replace, text)


def architecture() -> str:
    """Return the diagram as SVG: a column for each package, divided into its import layers."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    body, left, height = [], 0, 0
    for package in PACKAGES:
        imports = _imports(graph, package)
        rows = [*reversed(layers(imports))]
        boxes = {}
        for number, row in enumerate(rows):
            for column, name in enumerate(row):
                boxes[name] = (left + 20 + column * (BOX[0] + GAP), 44 + number * ROW)
        body.append(f'<text class="title" x="{left + 20}" y="26">{package}</text>')
        for name, imported in imports.items():
            for other in sorted(imported - _indirect(imports, imported)):
                body.append(_arrow(boxes[name], boxes[other]))
        for name, (x, y) in boxes.items():
            body.append(f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="4"/>')
            label = html.escape(name.rpartition(".")[2])
            body.append(f'<text x="{x + BOX[0] / 2:g}" y="{y + 20}">{label}</text>')
        left = max(left + 160, *(x + BOX[0] + 20 for x, _ in boxes.values()))
        height = max(height, 44 + len(rows) * ROW)
    style = (
        "text{font:13px sans-serif;text-anchor:middle;fill:#14312f}"
        ".title{font-size:17px;font-weight:bold;text-anchor:start}"
        "rect{fill:#e3f1ef;stroke:#1f6f66}path{fill:none;stroke:#7d9a97}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left} {height}" width="{left}" '
        f'height="{height}" role="img"><style>{style}</style>'
        f'<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>{"".join(body)}</svg>\n'
    )


def _imports(graph: grimp.ImportGraph, package: str) -> dict[str, set[str]]:
    """Return which parts of a package (modules and folders) import which others."""
    parts = graph.find_children(package)
    descendants = {part: {part, *graph.find_descendants(part)} for part in parts}
    return {
        part: {
            other
            for other in parts - {part}
            if any(
                graph.find_modules_directly_imported_by(module) & descendants[other]
                for module in descendants[part]
            )
        }
        for part in sorted(parts)
        if not part.endswith((".__main__", ".migrations"))
    }


def _indirect(imports: dict[str, set[str]], imported: set[str]) -> set[str]:
    """Return every part that the imported parts import, directly or indirectly."""
    indirect: set[str] = set()
    remaining = [other for name in imported for other in imports[name]]
    while remaining:
        name = remaining.pop()
        if name not in indirect:
            indirect.add(name)
            remaining += imports[name]
    return indirect


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + BOX[0] / 2, start[1] + BOX[1]
    x2, y2 = end[0] + BOX[0] / 2, end[1]
    middle = (y1 + y2) / 2
    return f'<path d="M{x1:g} {y1}C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2}"/>'


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:] == ["--diagram"]:
        (DOCS / "architecture.svg").write_text(architecture(), encoding="utf-8")
    else:
        prepare()
