"""Test data for the environments that may hold nothing else; a repeat adds nothing.

Staging and production are never seeded: what they hold is theirs.
"""

SEEDED = ("dev", "test", "review")
_ORDERS = (
    (1, "2026-01-05T09:00:00+00:00", "ada@example.test", '{"cups": 1}', 2380),
    (2, "2026-01-06T10:30:00+00:00", "ben@example.test", '{"assam": 2, "teapot": 1}', 4680),
    (3, "2026-01-07T18:45:00+00:00", "cem@example.test", '{"kettle": 1}', 4480),
)


def seed(connection, environment: str) -> None:
    """Put the test data into the database of an environment that is seeded; into another's nothing."""
    if environment.split("/")[0] in SEEDED:
        connection.executemany(
            "INSERT OR IGNORE INTO orders (id, placed_at, email, content, total) VALUES (?, ?, ?, ?, ?)",
            _ORDERS,
        )
