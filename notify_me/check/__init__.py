"""Checks of the Klaviyo account that the keys belong to, for `flask notify-me check` and health."""
