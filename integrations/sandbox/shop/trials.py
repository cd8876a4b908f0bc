"""Changes beside the story, each of which one part of the delivery has to notice.

The story takes `foreign-licence` from here.

- `order-notes` has a migration that can be taken back, `forget-emails` one that cannot;
- `long-notes` builds on the same lines of `shop/orders.py` as `order-notes`: git cannot revert the first
  without the second. All others touch no file in common with each other, but for `long-notes`;
- one finding each: `leaked-token` (secrets), `eval-discount` (SAST), `old-printer` (dependencies),
  `foreign-licence` (licences), `old-image` (base image), `winding-receipt` (code quality),
  `untested-export` (coverage falls below 90 %), `big-picture` (size of the package);
- `noisy-start` logs a new kind of error with every fifth first page, and answers 200;
- `slow-start` makes the first page slower by 0.3 s.

The migrations only add, or empty what nothing depends on: the version before runs beside them.
"""

from __future__ import annotations

import hashlib

from integrations.sandbox.shop.edits import Change, Edit

_ORDER_NOTES = (
    Edit(
        "shop/migrations/0003_order_notes.up.sql",
        "",
        "ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT '';\n",
    ),
    Edit("shop/migrations/0003_order_notes.down.sql", "", "ALTER TABLE orders DROP COLUMN note;\n"),
    Edit(
        "shop/orders.py",
        '    email = form.get("email", "").strip()\n',
        '    email = form.get("email", "").strip()\n    note = form.get("note", "").strip()\n',
    ),
    Edit("shop/orders.py", '        "email": email,\n', '        "email": email,\n        "note": note,\n'),
    Edit(
        "shop/orders.py",
        """        '<input name="email" type="email" placeholder="E-mail" required>'\n""",
        """        '<input name="email" type="email" placeholder="E-mail" required>'
        '<input name="note" placeholder="A note for us">'\n""",
    ),
    Edit(
        "tests/test_orders.py",
        "    def test_only_a_cart_with_something_in_it_can_be_ordered(self):\n",
        """    def test_a_note_is_kept_with_the_order(self):
        number = orders.place(carts.Cart({"cups": 1}), {"email": "ada@example.test", "note": " Ring twice. "})
        with closing(connect(settings.database())) as connection:
            row = connection.execute("SELECT note FROM orders WHERE id = ?", (number,)).fetchone()
        self.assertEqual(row, ("Ring twice.",))

    def test_only_a_cart_with_something_in_it_can_be_ordered(self):
""",
    ),
    Edit("changes/order-notes.md", "", "- An order can carry a note.\n"),
)

_LONG_NOTES = (
    Edit(
        "shop/orders.py",
        '    note = form.get("note", "").strip()\n',
        '    note = " ".join(form.get("note", "").split())[:500]\n',
    ),
    Edit(
        "tests/test_orders.py",
        '        self.assertEqual(row, ("Ring twice.",))\n',
        """        self.assertEqual(row, ("Ring twice.",))

    def test_a_note_is_cut_after_500_characters(self):
        form = {"email": "ada@example.test", "note": "Ring  twice. " + "x" * 600}
        number = orders.place(carts.Cart({"cups": 1}), form)
        with closing(connect(settings.database())) as connection:
            [note] = connection.execute("SELECT note FROM orders WHERE id = ?", (number,)).fetchone()
        self.assertEqual((note[:12], len(note)), ("Ring twice. ", 500))
""",
    ),
    Edit("changes/long-notes.md", "", "- A note is one line of 500 characters at most.\n"),
)

_FORGET_EMAILS = (
    Edit(
        "shop/migrations/0004_forget_emails.up.sql",
        "",
        "UPDATE orders SET email = '' WHERE placed_at < datetime('now', '-90 days');\n",
    ),
    Edit("changes/forget-emails.md", "", "- E-mail addresses of orders are forgotten after 90 days.\n"),
)

#: Put together here, so that no scanner takes this file for the leak.
_TOKEN = "glpat-" + "Zx7Kp2Qw9Lm4Rt6Yv8Nb"

_LEAKED_TOKEN = (
    Edit("deploy/mail.env", "", f"SHOP_MAIL_TOKEN={_TOKEN}\n"),
    Edit("changes/leaked-token.md", "", "- Orders are confirmed by mail from staging, too.\n"),
)

_EVAL_DISCOUNT = (
    Edit(
        "shop/discounts.py",
        "",
        '''"""Discounts that the office writes as a formula of the total."""


def discounted(formula: str, total: int) -> int:
    """What is left of `total` cents."""
    return int(eval(formula, {"total": total}))
''',
    ),
    Edit(
        "tests/test_discounts.py",
        "",
        """import unittest

from shop.discounts import discounted


class DiscountsTest(unittest.TestCase):
    def test_a_formula_is_worked_out(self):
        self.assertEqual(discounted("total * 0.9", 1000), 900)
""",
    ),
    Edit("changes/eval-discount.md", "", "- The office can write its own discounts.\n"),
)


def _dependency(line: str) -> Edit:
    nothing = "# Nothing yet: the shop runs on Python's standard library alone.\n"
    return Edit("requirements.lock", nothing, f"{line}\n")


_BRANCHES = "".join(f'    if cents > {limit}:\n        words.append("{limit}")\n' for limit in range(12))
_WINDING_RECEIPT = (
    Edit(
        "shop/receipt.py",
        "",
        f'''"""The words on a receipt."""


def words(cents: int) -> list[str]:
    """One for every step that the sum is above."""
    words = []
{_BRANCHES}    return words
''',
    ),
    Edit(
        "tests/test_receipt.py",
        "",
        """import unittest

from shop import receipt


class ReceiptTest(unittest.TestCase):
    def test_every_step_has_its_word(self):
        self.assertEqual(len(receipt.words(99)), 12)
""",
    ),
    Edit("changes/winding-receipt.md", "", "- Receipts are in words.\n"),
)

_COLUMNS = "".join(
    f'''

def column_{number}(rows):
    """The values of column {number}, as text."""
    values = [str(row[{number}]) for row in rows]
    width = max(map(len, values), default=0)
    return [value.rjust(width) for value in values]
'''
    for number in range(12)
)
_UNTESTED_EXPORT = (
    Edit("shop/export.py", "", f'"""Orders as a table for the office."""\n{_COLUMNS}'),
    Edit("changes/untested-export.md", "", "- The office gets its orders as a table.\n"),
)

#: Digits that hardly get smaller when they are packed: about 150 kB of them.
_PIXELS = "\n".join(hashlib.sha256(str(row).encode()).hexdigest() for row in range(4500))

_NOISY_START = (
    Edit(
        "shop/app.py",
        "        self.metrics = Metrics()\n",
        "        self.metrics = Metrics()\n        self._visitors = 0\n",
    ),
    Edit(
        "shop/app.py",
        '        if path == "/":\n',
        '        if path == "/":\n            self._recommend()\n',
    ),
    Edit(
        "shop/app.py",
        "    def _change(self, action, environ):\n",
        '''    def _recommend(self) -> None:
        """Every fifth visitor does without recommendations: they are not there in time."""
        self._visitors += 1
        if self._visitors % 5 == 0:
            self.log("error", "no recommendations", error="TimeoutError: no recommendations within 50 ms")

    def _change(self, action, environ):
''',
    ),
    Edit(
        "tests/test_app.py",
        "    def test_nonsense_is_refused_and_changes_nothing(self):\n",
        """    def test_the_first_page_does_without_recommendations(self):
        seen = [self.ask("GET", "/")[0] for _ in range(5)]
        self.assertEqual(set(seen), {200})
        self.assertIn("no recommendations", self.log.getvalue())

    def test_nonsense_is_refused_and_changes_nothing(self):
""",
    ),
    Edit("changes/noisy-start.md", "", "- The first page recommends products.\n"),
)

_SLOW_START = (
    Edit("shop/pages.py", "from html import escape\n", "import time\nfrom html import escape\n"),
    Edit(
        "shop/pages.py",
        "        for product in catalogue.listing(query)\n",
        "        for product in catalogue.listing(query)\n        if _in_stock(product)\n",
    ),
    Edit(
        "shop/pages.py",
        "def cart(content: carts.Cart) -> str:\n",
        '''def _in_stock(product: catalogue.Product) -> bool:
    """Ask the warehouse, one product after the other."""
    time.sleep(0.05)
    return product.price > 0


def cart(content: carts.Cart) -> str:
''',
    ),
    Edit("changes/slow-start.md", "", "- The first page shows what is in stock.\n"),
)


def _change(id_: str, title: str, why: str, edits: tuple[Edit, ...]) -> Change:
    return Change(id_, title, f"{title}\n\n{why}\n", edits)


def _alone(id_: str, title: str, why: str, edit: Edit) -> Change:
    note = Edit(f"changes/{id_}.md", "", f"- {title}.\n")
    return _change(id_, title, why, (edit, note))


TRIALS = (
    _change("order-notes", "Let customers leave a note", "It is kept with the order.", _ORDER_NOTES),
    _change("long-notes", "Cut notes after 500 characters", "Somebody sent a novel.", _LONG_NOTES),
    _change("forget-emails", "Forget old e-mail addresses", "The law wants it.", _FORGET_EMAILS),
    _change("leaked-token", "Confirm orders by mail", "The token is that of staging.", _LEAKED_TOKEN),
    _change("eval-discount", "Let the office write discounts", "A formula of the total.", _EVAL_DISCOUNT),
    _alone(
        "old-printer",
        "Print receipts",
        "With receipt-printer, as it was at hand.",
        _dependency("receipt-printer==1.1.0  # MIT"),
    ),
    _alone(
        "foreign-licence",
        "Draw the sales",
        "With wide-charts.",
        _dependency("wide-charts==2.0.0  # AGPL-3.0-only"),
    ),
    _alone(
        "old-image",
        "Run on the machine of the warehouse",
        "It has an older Python.",
        Edit("Dockerfile", "FROM python:3.11-slim-bookworm\n", "FROM python:3.8-slim-buster\n"),
    ),
    _change("winding-receipt", "Put receipts into words", "Step by step.", _WINDING_RECEIPT),
    _change("untested-export", "Give the office its orders", "As a table.", _UNTESTED_EXPORT),
    _alone("big-picture", "Show a picture", "Point by point.", Edit("shop/picture.txt", "", f"{_PIXELS}\n")),
    _change("noisy-start", "Recommend products", "On the first page.", _NOISY_START),
    _change("slow-start", "Show what is in stock", "The warehouse is asked.", _SLOW_START),
)
