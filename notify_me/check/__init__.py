"""Checks of the keys' Klaviyo account, for `flask notify-me check` and `admin.health`."""
