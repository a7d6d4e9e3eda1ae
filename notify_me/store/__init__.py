"""The kit's tables and their migrations, the sign-up log, and the counts of the rate limits.
Nothing here imports Flask.
"""
