"""Klaviyo's API: calls, the HTTP client, and what an answer means. No Flask, SQL or settings."""
