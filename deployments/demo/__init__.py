"""The scenario `shop`: people act through the vendors, Conveyor carries the release, checks read it back."""
