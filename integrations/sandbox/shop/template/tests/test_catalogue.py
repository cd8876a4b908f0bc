import unittest

from shop import catalogue


class CatalogueTest(unittest.TestCase):
    def test_every_product_has_its_own_id_and_a_price(self):
        self.assertEqual(len(catalogue.by_id()), len(catalogue.products()))
        self.assertTrue(all(product.price > 0 for product in catalogue.products()))

    def test_the_whole_shelf_is_listed(self):
        self.assertEqual(catalogue.listing({}), catalogue.products())
