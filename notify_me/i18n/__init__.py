"""Languages: the kit's catalogs, which language a request is in, and translated text."""
