import shutil
import sqlite3
import tempfile
import unittest
from pathlib import Path

from shop import schema


class SchemaTest(unittest.TestCase):
    def setUp(self):
        self.releases = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.releases)
        self.database = schema.connect(":memory:")
        self.addCleanup(self.database.close)

    def release(self, name, **scripts):
        folder = self.releases / name / "shop" / "migrations"
        folder.mkdir(parents=True)
        for script, text in scripts.items():
            (folder / f"{script.replace('__', '.')}.sql").write_text(text)
        return folder

    def test_what_the_shop_brings_along_goes_up_and_down_and_up(self):
        self.assertEqual(schema.forward(self.database, "a"), schema.ids())
        scripts = schema.reversible()
        schema.back(self.database, scripts)
        self.assertEqual(set(schema.applied(self.database)), set(schema.ids()) - set(scripts))
        self.assertEqual(schema.forward(self.database, "a"), sorted(scripts))
        self.assertEqual(schema.forward(self.database, "a"), [])

    def test_a_migration_that_fails_leaves_nothing_behind(self):
        folder = self.release("a", m1__up="CREATE TABLE one (x);\nCREATE TABLE one (x)")
        with self.assertRaises(sqlite3.Error):
            schema.rehearse(self.database, folder, {})
        with self.assertRaises(sqlite3.Error):
            schema.forward(self.database, "a", folder)
        self.assertEqual(schema.applied(self.database), {})
        self.database.execute("CREATE TABLE one (x)")

    def test_the_way_back_comes_from_the_release_that_brought_it_along(self):
        old = self.release("old", m1__up="CREATE TABLE one (x);")
        new = self.release(
            "new", m1__up="CREATE TABLE one (x);", m2__up="CREATE TABLE two (x);", m2__down="DROP TABLE two;"
        )
        schema.forward(self.database, "new", new)
        scripts = schema.way_back(self.database, old, self.releases)
        self.assertEqual(scripts, {"m2": "DROP TABLE two;"})
        schema.rehearse(self.database, old, scripts)
        self.assertEqual(list(schema.applied(self.database)), ["m1", "m2"])
        schema.back(self.database, scripts)
        schema.carried(self.database, "old", old)
        self.assertEqual(schema.applied(self.database), {"m1": "old"})

    def test_what_has_no_way_back_is_named(self):
        schema.forward(self.database, "new", self.release("new", m1__up="CREATE TABLE one (x);"))
        with self.assertRaisesRegex(schema.Irreversible, "migration m1 cannot be taken back"):
            schema.way_back(self.database, self.release("old"), self.releases)
