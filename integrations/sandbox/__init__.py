"""Three vendors that fit in a laptop: state inside, real HTTP outside.

For the demo and the tests only (import-linter holds it). What each vendor promises is taken from the
vendor's documentation; what a sandbox does not know it refuses loudly, it never pretends.
"""
