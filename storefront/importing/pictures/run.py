"""Downloads or links the pictures of all products, after the products have been imported."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from ...base.fetching import Unavailable, Unreachable, fetch
from ...base.models import Import, Picture, Product, ProductVariant
from ...catalog.pictures import COPY_NAME, origin
from .resizing import UNFINISHED_PREFIX, make_copies, size_of_copies

MAX_PICTURES = 20_000
MAX_ORIGINS = 20
"""The maximum number of servers to load pictures from. A header of every page lists them."""
PARALLEL_DOWNLOADS = 8
BATCH = 40
"""The number of products whose pictures are downloaded and then committed together."""
GIVE_UP_AFTER = 5
"""Failures in a row after which a server counts as unreachable."""


@dataclass
class PicturesResult:
    """The result of downloading or linking pictures."""

    shown: int = 0
    """Pictures that the pages show."""
    missing: Counter[str] = field(default_factory=Counter)
    """The number of pictures that can't be shown, by reason, such as `not found`."""


def link_pictures(session: Session) -> PicturesResult:
    """Let pages load the pictures from their original servers, and commit."""
    result, servers = PicturesResult(), Counter[str]()
    for pictures in _all_wanted(session):
        for picture in pictures:
            if server := origin(picture["url"]):
                servers[server] += 1
            else:
                result.missing["without an HTTPS URL"] += 1
    linked = [server for server, _ in servers.most_common(MAX_ORIGINS)]
    result.shown = sum(servers[server] for server in linked)
    if too_many := servers.total() - result.shown:
        result.missing[f"beyond the limit of {MAX_ORIGINS} servers"] += too_many
    session.execute(sa.update(Import).values(picture_origins=linked))
    session.commit()
    return result


def download_pictures(
    session: Session,
    folder: Path,
    *,
    allow_private: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> PicturesResult:
    """Make copies of all pictures that pages show.

    Each batch of products is committed, so an interrupted download can be continued. `progress` is
    called with 1 after each picture. Finally, copies that no product uses any more are deleted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copies, result = _Copies(folder, allow_private), PicturesResult()
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as threads:
        try:
            for products in _batches(session):
                pictures = [picture for product in products for picture in _wanted_of(product)]
                for picture, outcome in zip(
                    pictures, threads.map(copies.make, pictures), strict=True
                ):
                    if isinstance(outcome, Unavailable):
                        result.missing[str(outcome)] += 1
                        # an earlier import may have set these keys, but its copies are gone
                        picture.pop("file", None)
                        picture.pop("width", None)
                        picture.pop("height", None)
                    else:
                        picture.update(outcome)
                        result.shown += 1
                    progress(1)
                for product in products:
                    # another import may have replaced the products and reused their IDs
                    is_same = sa.and_(Product.id == product.id, Product.handle == product.handle)
                    session.execute(
                        sa.update(Product).where(is_same).values(pictures=product.pictures)
                    )
                session.commit()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    _delete_others(folder, copies.names)
    return result


def count_pictures(session: Session) -> int:
    """Return the number of pictures that `download_pictures` copies."""
    return sum(map(len, _all_wanted(session)))


def wanted(pictures: Sequence[Picture], variant_urls: Collection[str]) -> list[Picture]:
    """Return those of a product's pictures that pages show: the first one, and the variants' own
    pictures, whose URLs are `variant_urls`.
    """
    return [
        picture
        for index, picture in enumerate(pictures)
        if index == 0 or picture["url"] in variant_urls
    ]


def _all_wanted(session: Session) -> Iterator[list[Picture]]:
    """Yield, for each product, the pictures that pages show. Only the necessary columns are read,
    since a catalog may be large.
    """
    last_id = 0
    statement = sa.select(Product.id, Product.pictures).order_by(Product.id).limit(1000)
    while rows := session.execute(statement.where(Product.id > last_id)).all():
        first_id, last_id = rows[0].id, rows[-1].id
        variant_urls: dict[int, set[str]] = {}
        urls = sa.select(ProductVariant.product_id, ProductVariant.picture).where(
            ProductVariant.product_id.between(first_id, last_id), ProductVariant.picture != ""
        )
        for product_id, url in session.execute(urls):
            variant_urls.setdefault(product_id, set()).add(url)
        for product_id, pictures in rows:
            yield wanted(pictures, variant_urls.get(product_id, ()))


def _wanted_of(product: Product) -> list[Picture]:
    return wanted(product.pictures, {variant.picture for variant in product.variants})


class _Copies:
    """Makes the copies of pictures; `make` may be called from several threads."""

    def __init__(self, folder: Path, allow_private: bool) -> None:
        self.folder, self.allow_private = folder, allow_private
        self.names: set[str] = set()
        """The names of all copies that were made or reused."""
        self._failures: Counter[str] = Counter()

    def make(self, picture: Picture) -> Picture | Unavailable:
        """Return the picture with the name and size of its copies, or the reason why it has none.

        Copies from an earlier import are reused.
        """
        # on all platforms, a changed picture has a new URL
        name = hashlib.sha256(picture["url"].encode()).hexdigest()[:32]
        try:
            size = size_of_copies(self.folder, name) or self._download(picture["url"], name)
        except Unavailable as reason:
            return reason
        self.names.add(name)
        return {**picture, "file": name, "width": size[0], "height": size[1]}

    def _download(self, url: str, name: str) -> tuple[int, int]:
        if len(self.names) >= MAX_PICTURES:
            raise Unavailable(f"beyond the limit of {MAX_PICTURES:,}")
        server = urlsplit(url).netloc
        if self._failures[server] >= GIVE_UP_AFTER:
            raise Unreachable("on a server that doesn't respond")
        try:
            content = fetch(url, allow_private=self.allow_private)
        except Unreachable:
            self._failures[server] += 1
            raise
        self._failures[server] = 0
        return make_copies(content, self.folder, name)


def _batches(session: Session) -> Iterator[Sequence[Product]]:
    """Yield the products in batches, detached from the session."""
    last_id = 0
    statement = sa.select(Product).options(selectinload(Product.variants)).order_by(Product.id)
    while products := session.scalars(statement.where(Product.id > last_id).limit(BATCH)).all():
        last_id = products[-1].id
        # no transaction stays open while pictures are downloaded
        session.expunge_all()
        session.rollback()
        yield products


def _delete_others(folder: Path, names: set[str]) -> None:
    """Delete unfinished files of an interrupted import, and all copies except those in `names`."""
    for path in folder.iterdir():
        is_copy = COPY_NAME.fullmatch(path.name) is not None
        if path.name.startswith(UNFINISHED_PREFIX) or (
            is_copy and path.name.partition("-")[0] not in names
        ):
            path.unlink(missing_ok=True)
