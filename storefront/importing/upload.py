"""`/merchant/import`: upload a product file, preview it, and import it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal, cast

from babel.numbers import list_currencies
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as url
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import secure_filename
from werkzeug.wrappers import Response as BaseResponse

from ..base.settings import CURRENCY
from ..merchant import access
from . import upload_jobs
from .products import StockUnknown
from .upload_jobs import FILES, Options

MAX_UPLOAD = 64 * 1024 * 1024
"""The maximum size of all files together, in bytes. Larger files can be imported with `flask
storefront import-catalog`.
"""

blueprint = Blueprint(
    "imports",
    __name__,
    url_prefix="/merchant/import",
    template_folder="templates",
    static_folder="static",
)
access.protect(blueprint)


@blueprint.get("")
def show() -> Response:
    """Show the form."""
    return _form({})


@blueprint.post("")
def upload() -> BaseResponse:
    """Store the files and start checking them; 422 for invalid input, 413 for files that are too
    large.
    """
    request.max_content_length = MAX_UPLOAD
    try:
        files = {name: request.files[name] for name in FILES if request.files.get(name)}
    except RequestEntityTooLarge:
        limit = MAX_UPLOAD // 1024**2
        message = (
            f"The upload is larger than {limit} MB: use flask storefront import-catalog instead."
        )
        return _form({"file": message}, status=413)
    problems = {}
    if "file" not in files:
        problems["file"] = "Choose a product file."
    options = _options(problems)
    if problems:
        return _form(problems, status=422)
    job = upload_jobs.create(PurePath(files["file"].filename or "").name[:255], options)
    for name, file in files.items():
        # stored under its own name, since messages quote it
        filename = file.filename or ""
        own_name = secure_filename(filename)[-100:] or name
        if "." in filename and "." not in own_name:
            # secure_filename drops letters that aren't ASCII: склад.csv would become csv
            own_name = f"{name}.{own_name}"
        folder = upload_jobs.path(job.id) / f"upload-{name}"
        folder.mkdir()
        file.save(folder / own_name)
    upload_jobs.start(job, "checking")
    return redirect(url("imports.status", job_id=job.id), code=303)


@blueprint.get("/<job_id>")
def status(job_id: str) -> Response:
    """Show the progress of an upload, its preview, or its summary.

    :raise 404: there is no such upload.
    """
    job = upload_jobs.load(job_id)
    if job is None:
        abort(404)
    return make_response(render_template("importing/status.html", job=job))


@blueprint.post("/<job_id>")
def confirm(job_id: str) -> BaseResponse:
    """Import a file that has been checked.

    :raise 404: there is no such upload.
    """
    job = upload_jobs.load(job_id)
    if job is None:
        abort(404)
    if job.state == "checked":
        upload_jobs.start(job, "importing")
    return redirect(url("imports.status", job_id=job_id), code=303)


def _options(problems: dict[str, str]) -> Options:
    """Return the options in the form; problems with them are added to `problems`, by field."""
    form = {name: value.strip() for name, value in request.form.items()}
    currency = form.get("currency", "").upper()
    if currency and currency not in list_currencies():
        problems["currency"] = f"Enter {CURRENCY}."
    sell_out = form.get("sell_out", "").removesuffix("%").strip() or "0"
    if not sell_out.isascii() or not sell_out.isdigit() or int(sell_out) > 100:
        problems["sell_out"] = "Enter a whole number from 0 to 100."
        sell_out = "0"
    unknown, decimal = form.get("stock_unknown"), form.get("decimal_separator")
    return Options(
        stock_unknown=cast(
            StockUnknown | None,
            unknown if unknown in ("in-stock", "sold-out") else None,
        ),
        sell_out=int(sell_out) / 100,
        decimal_separator=cast(
            Literal["comma", "point"] | None, decimal if decimal in ("comma", "point") else None
        ),
        currency=currency or None,
        shop_name=form.get("shop_name", "")[:80] or None,
        link_pictures="link_pictures" in form,
    )


def _form(problems: dict[str, str], *, status: int = 200) -> Response:
    # the fields of a request that is too large can't be read
    values: Any = {} if status == 413 else request.form
    html = render_template(
        "importing/upload.html",
        problems=problems,
        values=values,
        max_megabytes=MAX_UPLOAD // 1024**2,
    )
    return make_response(html, status)
