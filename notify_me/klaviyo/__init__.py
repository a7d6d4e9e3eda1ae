"""Klaviyo's API: the calls, the HTTP client, and what a response means. No Flask, SQL or settings."""
