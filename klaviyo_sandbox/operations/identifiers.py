"""The email address and the phone number in a profile's attributes: read, and refused when bad."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..protocol.contacts import is_email, is_phone
from ..protocol.errors import Fault, invalid
from ..state.account import Regions

NEEDS: Mapping[str, str] = {"EMAIL": "email", "SMS": "phone_number", "WHATSAPP": "phone_number"}
"""The identifier that each channel reaches."""

CHANNELS_OF: Mapping[str, tuple[str, ...]] = {
    "email": ("EMAIL",),
    "phone_number": ("SMS", "WHATSAPP"),
}
"""The channels that each identifier is reached by."""


def identifiers_in(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the email address and the phone number that were given; null counts as not given."""
    names = ("email", "phone_number")
    return {name: attributes[name] for name in names if attributes.get(name) is not None}


def identifier_faults(
    attributes: Mapping[str, Any], pointer: str, texts_to: Regions | None
) -> Iterator[Fault]:
    """Return what is wrong with the identifiers under the pointer.

    `texts_to` are the account's regions when the profile asks for SMS.
    """
    known = identifiers_in(attributes)
    if not known:
        yield invalid("One of email and phone_number is needed.", pointer)
    if "email" in known and not is_email(known["email"]):
        yield invalid("The email address is not valid.", f"{pointer}/email")
    if "phone_number" not in known:
        return
    phone = known["phone_number"]
    if not is_phone(phone):
        detail = "The phone number is not valid. It must be in E.164, such as +12025550143."
        yield invalid(detail, f"{pointer}/phone_number")
    elif texts_to and (objection := texts_to.objection(phone)):
        yield invalid(objection, f"{pointer}/phone_number")
