"""Reports as jobs leave them: first what an enemy or an accident leaves, then what the formats allow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.gitlab import reports
from integrations.gitlab.reports import Found, Part, Results, Scan, Unreadable

PARSERS: tuple[Callable[[bytes], object], ...] = (
    reports.junit,
    reports.cobertura,
    reports.security,
    reports.quality,
    reports.cyclonedx,
    reports.openmetrics,
    reports.migrations,
)
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><testsuites>&b;</testsuites>'
SECRETS = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites>&a;</testsuites>'
PARAMETER = b'<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x"> %a;]><testsuites/>'


@pytest.mark.parametrize("content", [LAUGHS, SECRETS, PARAMETER])
def test_xml_that_defines_entities_is_refused(content: bytes) -> None:
    for read in (reports.junit, reports.cobertura):
        with pytest.raises(Unreadable, match="entities"):
            read(content)


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (reports.junit, b"", "no XML"),
        (reports.junit, b"<testsuites>", "no XML"),
        (reports.junit, b'<?xml version="1.0" encoding="nope"?><testsuites/>', "no XML"),
        (reports.junit, b"<html/>", "its root is html"),
        (reports.cobertura, b"<coverage/>", "no line-rate"),
        (reports.cobertura, b'<coverage line-rate="all"/>', "no line-rate"),
        (reports.cobertura, b'<coverage line-rate="87"/>', "not between 0 and 1"),
        (reports.cobertura, b'<coverage line-rate="nan"/>', "not between 0 and 1"),
        (reports.security, b"", "Invalid JSON"),
        (reports.security, b"{}", "vulnerabilities"),
        (reports.security, b'{"vulnerabilities": {}}', "vulnerabilities"),
        (reports.security, b"[" * 100_000, "recursion"),
        (reports.quality, b'{"issues": []}', "valid array"),
        (reports.quality, b'[{"location": 7}]', "location"),
        (reports.cyclonedx, b'{"components": []}', "bomFormat"),
        (reports.cyclonedx, b'{"bomFormat": "SPDX", "components": []}', "bomFormat"),
        (reports.openmetrics, b"\xff", "UTF-8"),
        (reports.openmetrics, b"image_size_bytes", "not understood: image_size_bytes"),
        (reports.openmetrics, b"image_size_bytes much", "not understood"),
        (reports.migrations, b"[]", "object"),
        (reports.migrations, b'{"migrations": [{"id": "1", "reversible": "yes"}]}', "reversible"),
        (reports.migrations, b'{"migrations": [{"id": "", "reversible": true}]}', "id"),
    ],
)
def test_what_is_none_is_said_to_be_none(read: Callable[[bytes], object], content: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read(content)


def test_more_entries_than_the_cap_are_refused() -> None:
    much = reports.MAX_ROWS + 1
    rows = b'{"components": [{}]},' * (much // 2)
    nested = b'{"bomFormat": "CycloneDX", "components": [' + rows + b"{}, {}]}"
    for read, content in (
        (reports.junit, b"<testsuite>" + b"<testcase/>" * much + b"</testsuite>"),
        (reports.security, b'{"vulnerabilities": [' + b"{}," * (much - 1) + b"{}]}"),
        (reports.quality, b"[" + b"{}," * (much - 1) + b"{}]"),
        (reports.cyclonedx, nested),
        (reports.openmetrics, b"a 1\n" * much),
    ):
        with pytest.raises(Unreadable, match=str(reports.MAX_ROWS)):
            read(content)


def test_many_small_parts_are_refused_before_they_are_built() -> None:
    much = reports.MAX_PARTS
    for read, content in (
        (reports.junit, b"<testsuite>" + b"<a/>" * much + b"</testsuite>"),
        (reports.cobertura, b'<coverage line-rate="1">' + b"<a>" * much),
        (reports.cyclonedx, b'{"bomFormat": "CycloneDX", "components": [' + b"{}," * much + b"{}]}"),
    ):
        with pytest.raises(Unreadable, match=f"more than {much} parts"):
            read(content)


@pytest.mark.parametrize(
    ("read", "begins", "ends"),
    [
        (reports.quality, b"[", b"1]"),
        (reports.security, b'{"vulnerabilities": [', b"1]}"),
        (reports.cyclonedx, b'{"bomFormat": "CycloneDX", "components": [', b"1]}"),
        (reports.cyclonedx, b'{"bomFormat": "CycloneDX", "components": [{"licenses": [', b"1]}]}"),
        (reports.migrations, b'{"migrations": [', b"1]}"),
    ],
)
def test_of_many_wrong_rows_one_is_told_and_none_is_kept(
    read: Callable[[bytes], object], begins: bytes, ends: bytes
) -> None:
    content = begins + b"1," * 100_000 + ends
    tracemalloc.start()
    with pytest.raises(Unreadable):
        read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(content)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_comes_is_read_or_refused_and_nothing_else(content: bytes) -> None:
    said: list[str] = []
    for read in PARSERS:
        try:
            read(content)
        except Unreadable as error:
            said.append(str(error))
    assert all(len(text) < 600 for text in said)


def test_junit_of_several_suites_adds_up() -> None:
    content = b"""<testsuites><testsuite>
        <testcase classname="shop.Cart" name="adds"/>
        <testcase classname="shop.Cart" name="pays"><failure>no</failure></testcase>
        </testsuite><testsuite>
        <testcase name="waits"><skipped/></testcase>
        <testcase name="breaks"><error message="x"/></testcase>
        </testsuite></testsuites>"""
    assert reports.junit(content) == Results(4, 1, 1, 1, ("shop.Cart.pays", "breaks"))


def test_cobertura_with_the_document_type_of_its_own_tool() -> None:
    content = (
        b'<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'
        b'<coverage line-rate="0.8765" branch-rate="0.5"/>'
    )
    assert reports.cobertura(content) == 87.65


def test_a_security_report_with_and_without_a_word_on_its_run() -> None:
    found = b"""{"version": "15.0.7", "scan": {"type": "sast", "status": "success"}, "vulnerabilities": [
        {"severity": "High", "name": "SQL  in\\n a query", "location": {"file": "a.py", "start_line": 3}},
        {"severity": null, "message": "Old", "location": {"image": "shop:1.4.0"}}]}"""
    assert reports.security(found) == Scan(
        "success", (Found("high", "SQL in a query", "a.py:3"), Found("", "Old", "shop:1.4.0"))
    )
    assert reports.security(b'{"vulnerabilities": []}') == Scan("", ())


def test_code_quality_names_file_and_line() -> None:
    content = (
        b'[{"description": "long", "severity": "major", "location": {"path": "b.py", "lines": {"begin": 9}}}]'
    )
    assert reports.quality(content) == (Found("major", "long", "b.py:9"),)


def test_cyclonedx_names_every_component_with_all_its_licences() -> None:
    content = b"""{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"name": "a", "version": "1.0",
         "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}],
         "components": [{"name": "b", "licenses": [{"expression": "MIT OR X"}]}]},
        {"name": "c"}]}"""
    assert reports.cyclonedx(content) == (
        Part("a 1.0", ("MIT", "Own")),
        Part("b", ("MIT OR X",)),
        Part("c", ()),
    )


def test_of_a_figure_with_several_labels_the_largest_counts() -> None:
    content = b'# TYPE x gauge\n\nx{a="1 2"} 3\nx{a="2"} 5 1700000000\ny 1e3\n# EOF\n'
    assert reports.openmetrics(content) == {"x": 5.0, "y": 1000.0}


def test_a_migration_that_is_listed_twice_is_reversible_if_both_say_so() -> None:
    content = b'{"migrations": [{"id": "1", "reversible": false}, {"id": "1", "reversible": true}]}'
    assert reports.migrations(content) == {"1": False}
