"""The sign-up form, and what it asks for: contact details, channels and consent."""
