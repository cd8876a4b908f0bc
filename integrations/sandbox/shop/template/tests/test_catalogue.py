import unittest

from shop import catalogue


class CatalogueTest(unittest.TestCase):
    def test_every_product_has_its_own_id_and_a_price(self):
        self.assertEqual(len(catalogue.BY_ID), len(catalogue.PRODUCTS))
        self.assertTrue(all(product.price > 0 for product in catalogue.PRODUCTS))

    def test_the_whole_shelf_is_listed(self):
        self.assertEqual(catalogue.listing({}), catalogue.PRODUCTS)
