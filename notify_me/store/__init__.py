"""The kit's tables, their upgrades, the sign-up log, and the counts of the rate limits, all without
Flask.
"""
