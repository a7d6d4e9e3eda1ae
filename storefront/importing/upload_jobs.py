"""Imports of uploaded files. Each import runs in a thread, and writes its progress to a file, so
that every process of the shop can show it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from notify_me import current_catalog

from ..base.current_shop import refresh
from ..base.database import db
from ..catalog import restocking
from ..catalog.import_lock import ImportLocked, import_lock
from ..catalog.pictures import folder as pictures_folder
from .pictures.command import PRIVATE_PICTURES_SETTING
from .pictures.command import summary as picture_summary
from .pictures.run import count_pictures, download_pictures, link_pictures
from .platforms import read_columns_file
from .problems import InvalidFile, Unreadable
from .products import ParsedProduct, StockUnknown
from .run import Choices, run
from .summary import summary

logger = logging.getLogger(__name__)

MAX_AGE = 24 * 3600
"""Uploads that are older than this many seconds are deleted when another upload is created."""
STALLED_AFTER = 120
"""Seconds without progress after which a job counts as stopped, perhaps by a restart."""
FILES = ("file", "ids", "stock", "columns")
"""The form's file fields: the products, and the optional files."""

State = Literal["checking", "checked", "importing", "pictures", "done", "invalid", "failed"]
RUNNING: tuple[State, ...] = ("checking", "importing", "pictures")


@dataclass(frozen=True, slots=True)
class Options:
    """The merchant's choices in the form, except the files."""

    stock_unknown: StockUnknown | None = None
    sell_out: float = 0.0
    decimal_separator: Literal["comma", "point"] | None = None
    currency: str | None = None
    shop_name: str | None = None
    link_pictures: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """The state of one upload."""

    id: str
    file: str
    """The name of the merchant's file."""
    options: Options = Options()
    state: State = "checking"
    done: int = 0
    total: int = 1
    lines: list[str] = field(default_factory=list)
    """The summary, or the problems."""
    preview: list[dict[str, Any]] = field(default_factory=list)
    """The first products: `title`, `vendor`, `price`, `variants` and `sold_out`."""
    updated_at: float = field(default_factory=time.time)

    @property
    def is_running(self) -> bool:
        """Whether the job is running, judging by when its thread last saved its progress."""
        return self.state in RUNNING and time.time() - self.updated_at < STALLED_AFTER

    @property
    def is_stopped(self) -> bool:
        """Whether the thread stopped before the job was finished."""
        return self.state in RUNNING and not self.is_running


def create(file_name: str, options: Options) -> Job:
    """Return a new job with a folder for its files, and delete uploads older than `MAX_AGE`."""
    for folder in _root().iterdir() if _root().exists() else ():
        # another upload may delete the same folder
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > MAX_AGE:
                shutil.rmtree(folder, ignore_errors=True)
    job = Job(secrets.token_hex(16), file_name, options)
    path(job.id).mkdir(parents=True, mode=0o700)
    _save(job)
    return job


def load(job_id: str) -> Job | None:
    """Return the job with this ID, or None."""
    if not re.fullmatch(r"[0-9a-f]{32}", job_id):
        return None
    try:
        values = json.loads((path(job_id) / "job.json").read_text(encoding="utf-8"))
        return Job(**{**values, "options": Options(**values["options"])})
    except (OSError, ValueError, KeyError, TypeError):
        # such as a file that was written by another version of the shop
        return None


def path(job_id: str) -> Path:
    """Return the folder of a job's files."""
    return _root() / job_id


def start(job: Job, state: Literal["checking", "importing"]) -> None:
    """Check or import the file in a thread. A job that is confirmed twice is imported only once."""
    if state == "importing":
        try:
            (path(job.id) / "confirmed").touch(exist_ok=False)
        except FileExistsError:
            return
    job = replace(job, state=state, done=0, updated_at=time.time())
    _save(job)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_work, args=(app, job), name="import", daemon=True).start()


def _work(app: Flask, job: Job) -> None:
    with app.app_context():
        try:
            if job.state == "checking":
                _save(_check(job))
            else:
                with import_lock():
                    _save(_import(job))
        except InvalidFile as error:
            _save(replace(job, state="invalid", lines=error.messages, updated_at=time.time()))
        except Unreadable as error:
            _save(replace(job, state="invalid", lines=[str(error)], updated_at=time.time()))
        except ImportLocked as error:
            _save(replace(job, state="failed", lines=[str(error)], updated_at=time.time()))
        except Exception as error:
            db.session.rollback()
            logger.exception("the import of an uploaded file failed")
            reason = (
                "The database isn't available. Try again in a moment."
                if isinstance(error, SQLAlchemyError)
                else "An unexpected error occurred; see the shop's log."
            )
            _save(replace(job, state="failed", lines=[reason], updated_at=time.time()))


def _check(job: Job) -> Job:
    files, progress = _files(job), _Progress(job)
    result = run(
        db.session,
        files["file"],
        current_catalog(),
        _choices(job, files),
        name=job.file,
        dry_run=True,
        progress=progress,
    )
    lines = summary(result, job.file, current_catalog().integration, dry_run=True)
    preview = [_preview(product) for product in result.first]
    return replace(job, state="checked", lines=lines, preview=preview, updated_at=time.time())


def _import(job: Job) -> Job:
    files = _files(job)
    result = run(
        db.session,
        files["file"],
        current_catalog(),
        _choices(job, files),
        name=job.file,
        progress=_Progress(job),
    )
    refresh()
    restocking.record_restocks()
    lines = summary(result, job.file, current_catalog().integration, dry_run=False)
    if result.counts.pictures:
        lines += _add_pictures(replace(job, state="pictures", updated_at=time.time()))
    for file in files.values():
        shutil.rmtree(file.parent, ignore_errors=True)
    return replace(job, state="done", lines=lines, updated_at=time.time())


def _add_pictures(job: Job) -> list[str]:
    """Copy or link the pictures of the imported products; return lines for the summary."""
    _save(job)
    try:
        if job.options.link_pictures:
            pictures = link_pictures(db.session)
        else:
            pictures = download_pictures(
                db.session,
                pictures_folder(),
                allow_private=current_app.config[PRIVATE_PICTURES_SETTING],
                progress=_Progress(job, count_pictures(db.session)),
            )
    except (OSError, SQLAlchemyError):
        db.session.rollback()
        logger.warning("imported the uploaded products, but not all pictures", exc_info=True)
        return [
            "The products were imported, but some pictures are missing. Import the file again to "
            "add them."
        ]
    refresh()
    return picture_summary(pictures, link=job.options.link_pictures)


def _files(job: Job) -> dict[str, Path]:
    """Return the uploaded files by the names of their form fields."""
    uploads = sorted(path(job.id).glob("upload-*/*"))
    return {file.parent.name.removeprefix("upload-"): file for file in uploads}


def _choices(job: Job, files: dict[str, Path]) -> Choices:
    ids = [files["ids"]] if "ids" in files else []
    columns = read_columns_file(files["columns"]) if "columns" in files else None
    return Choices(ids=ids, stock=files.get("stock"), columns=columns, **asdict(job.options))


def _preview(product: ParsedProduct) -> dict[str, Any]:
    prices = [variant.price for variant in product.variants]
    return {
        "title": product.title,
        "vendor": product.vendor,
        "price": f"{min(prices):.2f}",
        "variants": len(product.variants),
        "sold_out": sum(variant.is_sold_out for variant in product.variants),
    }


class _Progress:
    """Saves the progress of a job at most once a second."""

    def __init__(self, job: Job, total: int = 0) -> None:
        total = total or 2 * _files(job)["file"].stat().st_size or 1
        self.job = replace(job, done=0, total=total, updated_at=time.time())
        _save(self.job)

    def __call__(self, count: int) -> None:
        """Add to the progress: a number of bytes, or of pictures."""
        now, done = time.time(), self.job.done + count
        is_due = now - self.job.updated_at >= 1
        self.job = replace(self.job, done=done, updated_at=now if is_due else self.job.updated_at)
        if is_due:
            _save(self.job)


def _save(job: Job) -> None:
    """Write a job's file atomically."""
    temporary = path(job.id) / f"{secrets.token_hex(4)}.tmp"
    temporary.write_text(json.dumps(asdict(job), ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, path(job.id) / "job.json")


def _root() -> Path:
    return Path(current_app.instance_path) / "uploads"
