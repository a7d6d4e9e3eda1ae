"""The sign-up form: contact details, channels and consent."""
