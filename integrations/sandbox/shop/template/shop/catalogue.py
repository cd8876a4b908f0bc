"""What the shop sells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """`price` is in cents."""

    id: str
    name: str
    price: int


PRODUCTS = (
    Product("teapot", "Teapot, blue", 2490),
    Product("cups", "Six cups", 1890),
    Product("sencha", "Green tea Sencha", 990),
    Product("assam", "Black tea Assam", 850),
    Product("biscuits", "Butter biscuits", 420),
    Product("kettle", "Kettle with a whistle", 3990),
)
BY_ID = {product.id: product for product in PRODUCTS}


def listing(query: dict[str, str]) -> tuple[Product, ...]:
    """The products that a page shows, in the order of the shelf."""
    return PRODUCTS


def controls(query: dict[str, str]) -> str:
    """HTML above the list."""
    return ""
