"""Hypothesis for the tests of the rules: no deadline, for a busy machine is no fault of a rule."""

from hypothesis import settings

settings.register_profile("rules", parent=settings(), deadline=None)
settings.load_profile("rules")
