import io
import json
import os
import unittest
from contextlib import contextmanager

from shop.app import Shop
from shop.settings import MissingSetting, database, setting


@contextmanager
def in_production(**given):
    """As production sees its settings: only what is given."""
    before = dict(os.environ)
    os.environ.update(SHOP_ENV="production", **given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class AppTest(unittest.TestCase):
    def setUp(self):
        self.log = io.StringIO()
        self.shop = Shop(7, self.log)
        self.cookie = ""

    def ask(self, method, path, form="", query=""):
        answer = {}

        def start(status, headers):
            answer.update(status=int(status.split()[0]), headers=dict(headers))

        body = b"".join(self.shop({
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_COOKIE": self.cookie,
            "CONTENT_LENGTH": str(len(form)), "wsgi.input": io.BytesIO(form.encode()),
        }, start))
        self.cookie = answer["headers"].get("Set-Cookie", self.cookie).split(";")[0]
        return answer["status"], body.decode()

    def test_the_catalogue_shows_every_product(self):
        status, page = self.ask("GET", "/")
        self.assertEqual(status, 200)
        self.assertIn("Kettle with a whistle", page)

    def test_the_catalogue_is_there_as_json(self):
        _, body = self.ask("GET", "/api/products")
        self.assertEqual(json.loads(body)[0], {"id": "teapot", "name": "Teapot, blue", "price": 2490})

    def test_a_cart_belongs_to_its_session(self):
        self.assertEqual(self.ask("POST", "/cart/add", "product=cups&amount=2")[0], 303)
        self.assertIn("2 x Six cups", self.ask("GET", "/cart")[1])
        self.cookie = ""
        self.assertEqual(json.loads(self.ask("GET", "/api/cart")[1])["lines"], [])

    def test_an_order_empties_the_cart(self):
        self.ask("POST", "/cart/add", "product=cups")
        self.assertIn("Order", self.ask("GET", "/cart")[1])
        self.assertEqual(self.ask("POST", "/orders", "email=nobody")[0], 400)
        self.assertEqual(self.ask("POST", "/orders", "email=ada@example.test")[0], 303)
        self.assertEqual(json.loads(self.ask("GET", "/api/cart")[1])["lines"], [])

    def test_nonsense_is_refused_and_changes_nothing(self):
        self.assertEqual(self.ask("POST", "/cart/add", "product=moon")[0], 400)
        self.assertEqual(self.ask("POST", "/cart/paint", "product=cups")[0], 404)
        self.assertEqual(self.ask("PUT", "/")[0], 404)
        self.assertEqual(self.ask("GET", "/nowhere")[0], 404)

    def test_health_tells_what_is_running(self):
        about = json.loads(self.ask("GET", "/healthz")[1])
        self.assertEqual((about["status"], about["environment"], about["process"]), ("ok", "local", 7))

    def test_requests_are_counted_by_path_and_status(self):
        self.ask("GET", "/cart")
        self.ask("GET", "/nowhere")
        _, text = self.ask("GET", "/metrics")
        self.assertIn('shop_requests_total{method="GET",path="/cart",status="200"} 1', text)
        self.assertIn('shop_requests_total{method="GET",path="other",status="404"} 1', text)
        self.assertIn('shop_request_seconds_bucket{method="GET",path="/cart",le="+Inf"} 1', text)

    def test_a_method_that_nobody_knows_breaks_no_label(self):
        self.ask('PA"INT', "/cart")
        _, text = self.ask("GET", "/metrics")
        self.assertIn('shop_requests_total{method="other",path="other",status="404"} 1', text)

    def test_the_requests_in_flight_come_and_go(self):
        for path in ("/cart", "/nowhere", "/metrics"):
            self.ask("GET", path)
        self.assertIn("\nshop_requests_in_flight 1\n", self.ask("GET", "/metrics")[1])

    def test_an_error_is_logged_with_its_cause_and_answered_with_500(self):
        self.ask("POST", "/cart/add", "product=cups")
        with in_production():
            self.assertEqual(self.ask("GET", "/cart")[0], 500)
        entry = json.loads(self.log.getvalue().splitlines()[-1])
        self.assertEqual(entry["level"], "error")
        self.assertEqual(entry["error"], "MissingSetting: SHOP_SHIPPING_CENTS is not set")

    def test_in_production_a_setting_has_to_be_given(self):
        with in_production(SHOP_GIVEN="2"):
            self.assertEqual(setting("GIVEN", "1"), "2")
            with self.assertRaises(MissingSetting):
                setting("NO_SUCH_THING", "1")
        self.assertEqual(setting("NO_SUCH_THING", "1"), "1")

    def test_what_is_deployed_is_told_where_its_database_is(self):
        with in_production():
            self.assertEqual(database().name, "shop.db")
            del os.environ["SHOP_DATABASE"]
            with self.assertRaises(MissingSetting):
                database()
            del os.environ["SHOP_ENV"]
            self.assertEqual(database().name, "shop.db")
