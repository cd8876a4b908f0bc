"""The process in its own words: one file per flow, one per stage of a release."""
