"""The one inbound door: verify, record, answer, then wake."""
