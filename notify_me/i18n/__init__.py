"""The language of a request, and translations into it."""
