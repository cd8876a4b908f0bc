"""What the shop sells."""

from contextlib import closing
from dataclasses import dataclass

from shop import settings
from shop.schema import connect


@dataclass(frozen=True)
class Product:
    """`price` is in cents."""

    id: str
    name: str
    price: int


def products() -> tuple[Product, ...]:
    """Everything, in the order of the shelf."""
    with closing(connect(settings.database())) as connection:
        rows = connection.execute("SELECT id, name, price FROM products ORDER BY position").fetchall()
    return tuple(Product(*row) for row in rows)


def by_id() -> dict[str, Product]:
    """Everything, by its id."""
    return {product.id: product for product in products()}


def listing(query: dict[str, str]) -> tuple[Product, ...]:
    """The products that a page shows, in the order of the shelf."""
    return products()


def controls(query: dict[str, str]) -> str:
    """HTML above the list."""
    return ""
