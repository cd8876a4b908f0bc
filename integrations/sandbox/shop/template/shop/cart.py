"""A cart, and what can be done with it."""

from dataclasses import dataclass, field

from shop import catalogue
from shop.settings import setting

MOST = 99


class BadOrder(ValueError):
    """What was asked for cannot be put into a cart."""


@dataclass
class Cart:
    """`amounts` by product id."""

    amounts: dict[str, int] = field(default_factory=dict)


def add(cart: Cart, form: dict[str, str]) -> None:
    """Put `amount` (1 if not said) of `product` into the cart."""
    product, amount = form.get("product", ""), _amount(form)
    if product not in catalogue.by_id():
        raise BadOrder(f"no product {product!r}")
    cart.amounts[product] = min(MOST, cart.amounts.get(product, 0) + amount)


def remove(cart: Cart, form: dict[str, str]) -> None:
    """Take `product` out."""
    cart.amounts.pop(form.get("product", ""), None)


ACTIONS = {"add": add, "remove": remove}


def extras(cart: Cart) -> list[tuple[str, int]]:
    """What is charged besides the products: a name and a price in cents each."""
    if not cart.amounts:
        return []
    return [("Shipping", int(setting("SHIPPING_CENTS", "490")))]


def controls(cart: Cart) -> str:
    """HTML below the cart."""
    return ""


def summary(cart: Cart) -> dict[str, object]:
    """The cart with its prices, all in cents."""
    known = catalogue.by_id()
    lines = [
        {"product": key, "name": known[key].name, "amount": amount, "price": known[key].price * amount}
        for key, amount in sorted(cart.amounts.items())
    ]
    charged = [{"name": name, "price": price} for name, price in extras(cart)]
    total = sum(known[key].price * amount for key, amount in cart.amounts.items())
    return {"lines": lines, "extras": charged, "total": total + sum(price for _, price in extras(cart))}


def _amount(form: dict[str, str]) -> int:
    text = form.get("amount", "1")
    if not text.isdecimal() or not 0 < int(text) <= MOST:
        raise BadOrder(f"no amount {text!r}")
    return int(text)
