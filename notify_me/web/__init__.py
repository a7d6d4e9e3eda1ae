"""What a request meets: views, replies, and what the kit adds to a shop's templates."""
