"""Completes the distribution's metadata: links to the repository, whose URL is set in
`pyproject.toml` under `[tool.hatch.metadata.hooks.custom]`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RepositoryLinks(MetadataHookInterface):
    """Sets the project's URLs, and the long description: the README with absolute links."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add `urls` and `readme`."""
        repository = self.config["repository"]
        files = f"{repository}/blob/main"
        metadata["urls"] = {
            "Source": repository,
            "Documentation": f"{repository}/tree/main/docs",
            "Changelog": f"{files}/CHANGELOG.md",
            "Issues": f"{repository}/issues",
        }
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        images = rf"\1({repository}/raw/main/\2)"
        readme = re.sub(r"(!\[[^]]*\])\((?![a-z]+:)([^)]+)\)", images, readme)
        readme = re.sub(r"\]\((?![a-z]+:|#)([^)]+)\)", rf"]({files}/\1)", readme)
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}
