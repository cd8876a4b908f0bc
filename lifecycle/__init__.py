"""The rules. Pure: everything a rule looks at is in its arguments.

If you want to know what Conveyor decides, read here. No clock, no network, no Prefect.
"""
