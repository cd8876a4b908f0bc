import unittest
from contextlib import closing

from shop import cart as carts
from shop import orders, settings
from shop.schema import connect


class OrdersTest(unittest.TestCase):
    def test_an_empty_cart_and_no_address_are_refused(self):
        for cart, email in ((carts.Cart(), "ada@example.test"), (carts.Cart({"cups": 1}), "ada")):
            with self.subTest(email), self.assertRaises(carts.BadOrder):
                orders.place(cart, {"email": email})

    def test_an_order_is_kept_with_what_was_in_the_cart(self):
        number = orders.place(carts.Cart({"cups": 2}), {"email": " ada@example.test "})
        with closing(connect(settings.database())) as connection:
            row = connection.execute(
                "SELECT email, content, total FROM orders WHERE id = ?", (number,)
            ).fetchone()
        self.assertEqual(row, ("ada@example.test", '{"cups": 2}', 2 * 1890 + 490))

    def test_only_a_cart_with_something_in_it_can_be_ordered(self):
        self.assertEqual(orders.controls(carts.Cart()), "")
        self.assertIn('action="/orders"', orders.controls(carts.Cart({"cups": 1})))
