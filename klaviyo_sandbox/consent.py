"""Consent: Subscribe Profiles from the server, Create Client Subscription from the browser."""

from dataclasses import replace

from .consent_body import Asked, asked_in, is_historical, list_in, source_of
from .consent_rules import check
from .errors import Reply
from .identifiers import CHANNELS_OF, NEEDS
from .limits import Limit
from .operations import PARTIAL_FAILURE, Call, Operation, Side
from .subscriptions import Consent, Status


def act(call: Call) -> Reply:
    """Subscribe each profile, and note why one was passed over: the reply is the same."""
    headers = {}
    with call.sandbox.lock:
        for asked in asked_in(call):
            taken = asked
            if call.partial and len(asked.identifiers) == len({"email", "phone_number"}):
                headers[PARTIAL_FAILURE] = "phone_number"
                taken = _without_phone(asked)
            if ignored := _subscribe(call, taken):
                call.notes.append(f"{asked.pointer.removesuffix('/attributes')}: {ignored}")
    return Reply(202, headers=headers)


def _subscribe(call: Call, asked: Asked) -> str | None:
    """Subscribe one profile, or return why nothing became of it."""
    sandbox, now = call.sandbox, call.sandbox.now()
    email, phone = asked.identifiers.get("email"), asked.identifiers.get("phone_number")
    grants = [grant for grant in asked.grants() if NEEDS[grant.channel] in asked.identifiers]
    if not grants:
        return "ignored: it gives no consent to messages"
    found = list_in(call)
    known = sandbox.profiles.find(email, phone)
    if known is None and found is None:
        return "ignored: without a list, Klaviyo makes no profile of a new contact"
    if known and (minutes := sandbox.subscriptions.minutes_since(known, now)) is not None:
        return f"ignored: subscribed {minutes} {'minute' if minutes == 1 else 'minutes'} ago"
    profile = sandbox.profiles.identify(email, phone)
    if phone and sandbox.profiles.move(profile, phone):
        # consent was given for the number, not for whichever the profile has
        sandbox.subscriptions.end(profile, CHANNELS_OF["phone_number"])
    must_confirm = sandbox.mailing_list.confirms and not is_historical(call)
    consent = Consent(
        status=Status.PENDING if must_confirm else Status.SUBSCRIBED,
        source=source_of(call),
        list_id=found["data"]["id"] if found else None,
    )
    sandbox.subscriptions.subscribe(profile, grants, consent, now)
    return None


def _without_phone(asked: Asked) -> Asked:
    """Return what is left of a profile whose phone number Klaviyo dropped."""
    return replace(asked, attributes={**asked.attributes, "phone_number": None})


OPERATIONS = (
    Operation(
        side=Side.SERVER,
        method="POST",
        path="/api/profile-subscription-bulk-create-jobs",
        title="Subscribe Profiles",
        limit=Limit(burst=75, steady=750),
        check=check,
        act=act,
        identifiers="/data/attributes/profiles/data/0/attributes",
    ),
    Operation(
        side=Side.BROWSER,
        method="POST",
        path="/client/subscriptions",
        title="Create Client Subscription",
        limit=Limit(burst=350, steady=750),
        check=check,
        act=act,
    ),
)
