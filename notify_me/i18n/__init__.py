"""The language of a request, and the kit's texts in it."""
