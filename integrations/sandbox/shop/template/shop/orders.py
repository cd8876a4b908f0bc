"""Orders that customers place."""

import json
from contextlib import closing
from datetime import datetime, timezone

from shop import cart as carts
from shop import settings
from shop.schema import connect


def place(cart: carts.Cart, form: dict[str, str]) -> int:
    """Keep the cart as an order of `email`, and give its number."""
    email = form.get("email", "").strip()
    if not cart.amounts:
        raise carts.BadOrder("an empty cart cannot be ordered")
    if "@" not in email:
        raise carts.BadOrder(f"no e-mail address {email!r}")
    row = {
        "placed_at": datetime.now(timezone.utc).isoformat(),
        "email": email,
        "content": json.dumps(cart.amounts, sort_keys=True),
        "total": carts.summary(cart)["total"],
    }
    names, places = ", ".join(row), ", ".join("?" * len(row))
    with closing(connect(settings.database())) as connection:
        done = connection.execute(f"INSERT INTO orders ({names}) VALUES ({places})", tuple(row.values()))
        return done.lastrowid


def controls(cart: carts.Cart) -> str:
    """HTML below the cart, where there is something to order."""
    if not cart.amounts:
        return ""
    return (
        '<form method="post" action="/orders">'
        '<input name="email" type="email" placeholder="E-mail" required>'
        "<button>Order</button></form>"
    )
