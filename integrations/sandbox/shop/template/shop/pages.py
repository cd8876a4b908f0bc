"""The shop's pages."""

from html import escape

from shop import cart as carts
from shop import catalogue, orders

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} - Shop</title><style>
body {{ font: 16px/1.5 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; color: #222 }}
nav a {{ margin-right: 1em }} table {{ border-collapse: collapse; width: 100% }}
td {{ padding: .3em .6em; border-bottom: 1px solid #ddd }} td.price {{ text-align: right }}
footer {{ color: #777; margin-top: 2em; font-size: 85% }}
</style></head><body><nav><a href="/">Catalogue</a><a href="/cart">Cart</a></nav>
<h1>{title}</h1>{body}<footer>Shop {version}, {environment}</footer></body></html>
"""


def page(title: str, body: str, version: str, environment: str) -> str:
    """A whole page."""
    return _PAGE.format(title=escape(title), body=body, version=escape(version), environment=escape(environment))


def money(cents: int) -> str:
    """Euros and cents."""
    return f"{cents // 100}.{cents % 100:02d} EUR"


def products(query: dict[str, str]) -> str:
    """The catalogue's list."""
    rows = "".join(
        f"<tr><td>{escape(product.name)}</td><td class=price>{money(product.price)}</td><td>"
        f"{_button('add', 'Add to cart', product.id)}</td></tr>"
        for product in catalogue.listing(query)
    )
    return f"{catalogue.controls(query)}<table>{rows}</table>"


def cart(content: carts.Cart) -> str:
    """The cart's lines, what is charged besides, and the total."""
    about = carts.summary(content)
    rows = "".join(
        f"<tr><td>{line['amount']} x {escape(line['name'])}</td><td class=price>{money(line['price'])}</td>"
        f"<td>{_button('remove', 'Remove', line['product'])}</td></tr>"
        for line in about["lines"]
    )
    rows += "".join(
        f"<tr><td>{escape(extra['name'])}</td><td class=price>{money(extra['price'])}</td><td></td></tr>"
        for extra in about["extras"]
    )
    rows += f"<tr><td><b>Total</b></td><td class=price><b>{money(about['total'])}</b></td><td></td></tr>"
    return f"<table>{rows}</table>{carts.controls(content)}{orders.controls(content)}"


def _button(action: str, label: str, product: str) -> str:
    return (
        f'<form method="post" action="/cart/{action}"><input type="hidden" name="product" '
        f'value="{escape(product)}"><button>{label}</button></form>'
    )
