"""The part of `flask storefront import-catalog` that adds pictures: its progress and summary."""

from __future__ import annotations

import sys

import click
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from ...base.current_shop import refresh
from ...base.database import db
from ...catalog.pictures import folder
from .run import PicturesResult, count_pictures, download_pictures, link_pictures

PRIVATE_PICTURES_SETTING = "ALLOW_PRIVATE_PICTURES"
"""The Flask setting that allows downloads from private networks, such as an intranet."""


def add_pictures(*, link: bool = False) -> list[str]:
    """Download the pictures of all products, or link them; return lines for the summary."""
    try:
        result = link_pictures(db.session) if link else _download()
    except OSError as error:
        db.session.rollback()
        problem = f"{folder()} can't be written to ({error.strerror})"
    except SQLAlchemyError as error:
        db.session.rollback()
        problem = f"the database reported an error ({str(error).splitlines()[0][:200]})"
    else:
        refresh()
        return summary(result, link=link)
    raise click.ClickException(
        f"The products were imported, but some pictures are missing: {problem}. Fix this, and run "
        "the command again."
    )


def _download() -> PicturesResult:
    with click.progressbar(
        length=count_pictures(db.session), label="Pictures", file=sys.stderr, show_pos=True
    ) as bar:
        return download_pictures(
            db.session,
            folder(),
            allow_private=current_app.config[PRIVATE_PICTURES_SETTING],
            progress=bar.update,
        )


def summary(result: PicturesResult, *, link: bool) -> list[str]:
    """Return lines about the result; an empty list if there are no pictures."""
    lines = []
    if result.shown:
        where = "linked from their original servers" if link else "copied to instance/pictures"
        lines.append(f"Pictures {where}: {result.shown:,}.")
    if result.missing:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in result.missing.most_common())
        lines.append(
            "Pictures that couldn't be used (another picture or a drawing is shown instead): "
            f"{reasons}."
        )
    if not link and any("respond" in reason for reason in result.missing):
        lines.append("Import the file again to retry the missing pictures.")
    return lines
