"""A cart, and what can be done with it."""

from dataclasses import dataclass, field

from shop.catalogue import BY_ID
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
    if product not in BY_ID:
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
    lines = [
        {"product": key, "name": BY_ID[key].name, "amount": amount, "price": BY_ID[key].price * amount}
        for key, amount in sorted(cart.amounts.items())
    ]
    charged = [{"name": name, "price": price} for name, price in extras(cart)]
    total = sum(BY_ID[key].price * amount for key, amount in cart.amounts.items())
    return {"lines": lines, "extras": charged, "total": total + sum(price for _, price in extras(cart))}


def _amount(form: dict[str, str]) -> int:
    text = form.get("amount", "1")
    if not text.isdecimal() or not 0 < int(text) <= MOST:
        raise BadOrder(f"no amount {text!r}")
    return int(text)
