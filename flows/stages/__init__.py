"""The stages of a release, in order: cut, verify, stage, sign off, release, watch, roll back, feedback.

Each looks at the walk's release, acts where it is its turn, and returns what it has to wait for, if
anything. Every stage may be walked again at any time: what the ledger says is done is passed over.
"""
