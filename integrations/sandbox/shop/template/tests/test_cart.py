import unittest

from shop import cart as carts


class CartTest(unittest.TestCase):
    def test_an_empty_cart_costs_nothing(self):
        self.assertEqual(carts.summary(carts.Cart())["total"], 0)

    def test_a_cart_adds_up_with_its_shipping(self):
        cart = carts.Cart()
        carts.add(cart, {"product": "cups"})
        carts.add(cart, {"product": "assam", "amount": "2"})
        self.assertEqual(carts.summary(cart)["total"], 1890 + 2 * 850 + 490)

    def test_what_is_removed_is_not_charged(self):
        cart = carts.Cart()
        carts.add(cart, {"product": "cups"})
        carts.remove(cart, {"product": "cups"})
        self.assertEqual(carts.summary(cart)["lines"], [])

    def test_an_unknown_product_is_refused(self):
        with self.assertRaises(carts.BadOrder):
            carts.add(carts.Cart(), {"product": "moon"})

    def test_an_amount_that_is_none_is_refused(self):
        for amount in ("0", "-1", "many", "100"):
            with self.subTest(amount), self.assertRaises(carts.BadOrder):
                carts.add(carts.Cart(), {"product": "cups", "amount": amount})
