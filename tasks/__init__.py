"""The steps: each one effect or one fact, retried here and nowhere else, harmless when repeated."""
