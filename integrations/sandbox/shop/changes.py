"""What the scenario's people change in the shop, applied in a working copy.

The story: 1.3.0 (the template) runs in production. Release 1.4.0 brings

- `gift-wrap`: the cart offers gift wrapping for a price that is a setting. Its author forgets to give
  that setting for production, where nothing is left to a default: the tests pass, staging is well, and
  in production every `GET /cart` answers 500 while `/healthz` stays well. This is the fault of 1.4.0;
- `search`: the catalogue can be searched. Its own tests pass, but it tells capitals from small letters:
  whoever types `teapot` finds nothing. QA sees that by hand and returns it; `search-fix` is the rework.

With them comes `foreign-licence` of `trials`: a library under a licence that the gates do not allow. They
reject the first candidate, and the change is taken out of the release.

1.4.0 is rolled back. The hotfix 1.4.1, cut from the tag 1.4.0, is `fault-fix`: it gives the setting, and
a test that production lacks none.

`gift-wrap` and `fault-fix` touch `shop/cart.py`, its tests and `deploy/`; `search` and `search-fix` touch
`shop/catalogue.py` and its tests. So the rework of one leaves the other's diff as it was.

`trials` holds what else may be tried: changes that a gate, a rollback or the watch has to notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from integrations.sandbox.shop.edits import Change, Edit
from integrations.sandbox.shop.trials import TRIALS


class DoesNotApply(ValueError):
    """The working copy is not in the state that the change starts from (or has it already)."""


def apply(change_id: str, checkout: Path) -> Change:
    """Write the change's files into `checkout`; nothing is committed.

    Raises:
        KeyError: there is no such change.
        DoesNotApply: nothing was written.
    """
    change = CHANGES[change_id]
    written: dict[Path, str] = {}
    for edit in change.edits:
        path = checkout / edit.path
        before = written.get(path) or (path.read_text() if path.exists() else "")
        if edit.old and before.count(edit.old) != 1:
            raise DoesNotApply(f"{change_id}: {edit.path} does not hold what is to be changed")
        if not edit.old and before:
            raise DoesNotApply(f"{change_id}: {edit.path} is there already")
        written[path] = before.replace(edit.old, edit.new) if edit.old else edit.new
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return change


_GIFT_WRAP = (
    Edit(
        "shop/cart.py",
        '    """`amounts` by product id."""\n\n    amounts: dict[str, int] = field(default_factory=dict)\n',
        '    """`amounts` by product id."""\n\n    amounts: dict[str, int] = field(default_factory=dict)\n'
        "    gift_wrap: bool = False\n",
    ),
    Edit(
        "shop/cart.py",
        'ACTIONS = {"add": add, "remove": remove}\n',
        '''def wrap(cart: Cart, form: dict[str, str]) -> None:
    """Have everything wrapped as a gift, or not (`wanted` yes or no)."""
    cart.gift_wrap = form.get("wanted") == "yes"


def wrapping_price() -> int:
    """For the whole cart, in cents."""
    return int(setting("GIFT_WRAP_CENTS", "350"))


ACTIONS = {"add": add, "remove": remove, "gift-wrap": wrap}
''',
    ),
    Edit(
        "shop/cart.py",
        '    return [("Shipping", int(setting("SHIPPING_CENTS", "490")))]\n',
        """    charged = [("Shipping", int(setting("SHIPPING_CENTS", "490")))]
    if cart.gift_wrap:
        charged.append(("Gift wrap", wrapping_price()))
    return charged
""",
    ),
    Edit(
        "shop/cart.py",
        '    """HTML below the cart."""\n    return ""\n',
        '''    """HTML below the cart."""
    wanted, label = ("no", "No gift wrap") if cart.gift_wrap else ("yes", "Wrap it as a gift")
    price = wrapping_price()
    return (
        '<form method="post" action="/cart/gift-wrap">'
        f'<input type="hidden" name="wanted" value="{wanted}">'
        f"<button>{label}</button> ({price // 100}.{price % 100:02d} EUR)</form>"
    )
''',
    ),
    Edit(
        "tests/test_cart.py",
        "    def test_an_unknown_product_is_refused(self):\n",
        """    def test_a_gift_is_wrapped_for_its_price(self):
        cart = carts.Cart()
        carts.add(cart, {"product": "cups"})
        carts.ACTIONS["gift-wrap"](cart, {"wanted": "yes"})
        self.assertEqual(carts.summary(cart)["total"], 1890 + 490 + 350)
        self.assertIn("No gift wrap", carts.controls(cart))

    def test_gift_wrap_can_be_taken_back(self):
        cart = carts.Cart({"cups": 1}, gift_wrap=True)
        carts.ACTIONS["gift-wrap"](cart, {"wanted": "no"})
        self.assertEqual(carts.summary(cart)["total"], 1890 + 490)
        self.assertIn("Wrap it as a gift", carts.controls(cart))

    def test_an_unknown_product_is_refused(self):
""",
    ),
    Edit("changes/gift-wrap.md", "", "- The cart offers gift wrapping.\n"),
)

_SEARCH = (
    Edit(
        "shop/catalogue.py",
        '    """The products that a page shows, in the order of the shelf."""\n    return products()\n',
        '''    """The products that a page shows, in the order of the shelf; `q` is a part of their name."""
    wanted = query.get("q", "")
    return tuple(product for product in products() if wanted in product.name)
''',
    ),
    Edit(
        "shop/catalogue.py",
        '    """HTML above the list."""\n    return ""\n',
        '''    """HTML above the list."""
    wanted = escape(query.get("q", ""))
    return f'<form><input name="q" value="{wanted}" placeholder="Search"><button>Search</button></form>'
''',
    ),
    Edit(
        "shop/catalogue.py",
        "from dataclasses import dataclass\n",
        "from dataclasses import dataclass\nfrom html import escape\n",
    ),
    Edit(
        "tests/test_catalogue.py",
        "        self.assertEqual(catalogue.listing({}), catalogue.products())\n",
        """        self.assertEqual(catalogue.listing({}), catalogue.products())

    def test_a_search_finds_products_by_a_part_of_their_name(self):
        self.assertEqual([one.id for one in catalogue.listing({"q": "Teapot"})], ["teapot"])
        self.assertEqual([one.id for one in catalogue.listing({"q": "tea "})], ["sencha", "assam"])
        self.assertEqual(catalogue.listing({"q": "coffee"}), ())

    def test_what_was_searched_for_stays_in_the_box(self):
        self.assertIn('value="&lt;tea&gt;"', catalogue.controls({"q": "<tea>"}))
""",
    ),
    Edit("changes/search.md", "", "- The catalogue can be searched.\n"),
)

_SEARCH_FIX = (
    Edit(
        "shop/catalogue.py",
        """    wanted = query.get("q", "")
    return tuple(product for product in products() if wanted in product.name)
""",
        """    wanted = query.get("q", "").strip().casefold()
    return tuple(product for product in products() if wanted in product.name.casefold())
""",
    ),
    Edit(
        "tests/test_catalogue.py",
        """        self.assertEqual([one.id for one in catalogue.listing({"q": "tea "})], ["sencha", "assam"])
""",
        """        self.assertEqual([one.id for one in catalogue.listing({"q": "tea s"})], ["sencha"])
""",
    ),
    Edit(
        "tests/test_catalogue.py",
        "    def test_what_was_searched_for_stays_in_the_box(self):\n",
        """    def test_a_search_does_not_tell_capitals_from_small_letters(self):
        self.assertEqual([one.id for one in catalogue.listing({"q": " teapot"})], ["teapot"])
        self.assertEqual([one.id for one in catalogue.listing({"q": "SENCHA"})], ["sencha"])

    def test_what_was_searched_for_stays_in_the_box(self):
""",
    ),
)

_FAULT_FIX = (
    Edit(
        "deploy/production.env",
        "SHOP_SHIPPING_CENTS=490\n",
        "SHOP_SHIPPING_CENTS=490\nSHOP_GIFT_WRAP_CENTS=350\n",
    ),
    Edit(
        "tests/test_settings.py",
        "",
        """import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class SettingsTest(unittest.TestCase):
    def test_production_is_given_every_setting_that_the_shop_asks_for(self):
        code = "".join(path.read_text() for path in (ROOT / "shop").glob("*.py"))
        asked = set(re.findall(r'\\bsetting\\("(\\w+)"', code))
        given = set(re.findall(r"^SHOP_(\\w+)=", (ROOT / "deploy/production.env").read_text(), re.M))
        self.assertEqual(asked - given, set())
        self.assertIn("SHIPPING_CENTS", asked)
""",
    ),
    Edit("changes/gift-wrap-setting.md", "", "- The cart opens in production again.\n"),
)

CHANGES: Mapping[str, Change] = {
    change.id: change
    for change in (
        Change(
            "gift-wrap",
            "Offer gift wrapping in the cart",
            "Offer gift wrapping in the cart\n\nA button below the cart; the price is a setting.\n",
            _GIFT_WRAP,
        ),
        Change(
            "search",
            "Search the catalogue",
            "Search the catalogue\n\nA box above the list finds products by a part of their name.\n",
            _SEARCH,
        ),
        Change(
            "search-fix",
            "Find products in capitals and small letters alike",
            "Find products in capitals and small letters alike\n\nQA typed `teapot` and found nothing.\n",
            _SEARCH_FIX,
        ),
        Change(
            "fault-fix",
            "Give production the price of gift wrapping",
            "Give production the price of gift wrapping\n\n"
            "Without it every cart answered 500. A test holds production's settings against the code's.\n",
            _FAULT_FIX,
        ),
        *TRIALS,
    )
}
