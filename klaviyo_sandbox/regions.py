"""The regions in which the account can send texts: an SMS to any other is refused."""

from collections.abc import Iterable

import phonenumbers

from .contacts import region_of

DEFAULT = tuple(
    "US CA PR GB IE AU NZ DE FR AT CH NL BE ES PT IT SE NO DK FI".split()  # noqa: SIM905
)


class Regions:
    """The regions with a sending number, as ISO 3166 codes. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self.supported = DEFAULT

    def set(self, supported: Iterable[str]) -> None:
        """Replace the regions; none at all is an account without SMS.

        Raises `ValueError` for a code that no phone number can belong to.
        """
        codes = tuple(dict.fromkeys(supported))
        if unknown := [code for code in codes if code not in phonenumbers.SUPPORTED_REGIONS]:
            raise ValueError(f"There is no region {unknown[0]!r}.")
        self.supported = codes

    def reset(self) -> None:
        """Return to the default regions."""
        self.supported = DEFAULT

    def objection(self, phone_number: str) -> str | None:
        """Return why no text can go to a valid phone number, or None when one can."""
        if not self.supported:
            return "SMS is not set up: the account supports no region."
        region = region_of(phone_number)
        if region in self.supported:
            return None
        return f"The account supports no SMS to the phone number's region, {region}."
