"""The HTTP side: views, replies, and the kit's functions for a shop's templates."""
