"""Where rate limits are counted: the kit's database, or a backend of the limits library."""

from __future__ import annotations

from collections.abc import Callable

from limits.errors import ConfigurationError
from limits.storage import Storage, storage_from_string
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ..settings import SettingsError
from ..store import rate_limits
from ..store.sign_up_log import keyed_hash


def storage_from_uri(uri: str) -> Storage:
    """Return the storage at a URI such as `redis://localhost`, or `memory://`, where each process
    counts separately.

    Raises `SettingsError`, which doesn't repeat the URI, since that may contain a password.
    """
    try:
        return storage_from_string(uri, wrap_exceptions=True)  # type: ignore[return-value]
    except (ConfigurationError, ValueError, TypeError, ImportError) as error:
        if "prerequisite" in str(error):
            problem = "needs a package that isn't installed (for Redis, restock-kit[redis])"
        else:
            problem = "isn't a supported URI"
        raise SettingsError(
            f"RATELIMIT_STORAGE_URI {problem}: set it to database, or to a URI such as "
            "redis://localhost:6379"
        ) from None


class DatabaseStorage(Storage):
    """The kit's database as a storage backend for the limits library, with fixed windows only.

    `engine` returns its engine. Keys, which contain IP addresses, are stored as their HMAC-SHA256
    under `secret`: a plain hash could be reversed by trying every IP address. Methods raise
    `limits.errors.StorageError` if the database is unavailable.
    """

    STORAGE_SCHEME = None

    def __init__(self, engine: Callable[[], Engine], secret: str) -> None:
        super().__init__(wrap_exceptions=True)
        self._engine = engine
        self._secret = secret

    @property
    def base_exceptions(self) -> type[Exception]:
        """The exceptions that become a `StorageError`."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add `amount` to the count of the current window, and return the count."""
        return rate_limits.add(self._engine(), self._hash(key), expiry, amount)

    def get(self, key: str) -> int:
        """Return the count of the current window."""
        return rate_limits.current(self._engine(), self._hash(key))[0]

    def get_expiry(self, key: str) -> float:
        """Return when the current window ends, as a Unix timestamp."""
        return rate_limits.current(self._engine(), self._hash(key))[1]

    def check(self) -> bool:
        """Return whether the database responds."""
        try:
            self.get("")
        except SQLAlchemyError:
            return False
        return True

    def reset(self) -> int:
        """Delete all counts; return how many there were."""
        return rate_limits.delete(self._engine())

    def clear(self, key: str) -> None:
        """Delete one count."""
        rate_limits.delete(self._engine(), self._hash(key))

    def _hash(self, key: str) -> str:
        return keyed_hash(self._secret, key)
