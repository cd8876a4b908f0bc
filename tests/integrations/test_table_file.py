"""Reading a file of rows: what is wrong with it is said by row; bytes that people really send."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import Refused
from integrations.table_file import Row, read


def file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", b" \r\n\n", "it is empty"),
        ("a.jsonl", b"\n", "it is empty"),
        ("a.csv", b"title,text\r\n", "it has no rows"),
        ("a.csv", b"title,text\r\n,\r\n", "it has no rows"),
        ("a.xlsx", b"PK", "it is neither .csv nor .jsonl"),
        ("a", b"title\nx", "it is neither .csv nor .jsonl"),
        ("a.csv", "title\nWünsche\n".encode("latin-1"), "line 2 is not UTF-8"),
        ("a.jsonl", b'{"title": "x"}\n\xff', "line 2 is not UTF-8"),
        ("a.csv", "title\nWunsch\n".encode("utf-16"), "it is UTF-16"),
        ("a.csv", b"title,title\nx,y\n", "stands twice"),
        ("a.csv", b"title,\nx,y\n", "has no name"),
        ("a.csv", b'"title\nx', "row 1: it cannot be read"),
        ("a.csv", b"\xef\xbb\xbf", "it is empty"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_reason(
    tmp_path: Path, name: str, data: bytes, why: str
) -> None:
    with pytest.raises(Refused) as refused:
        read(file(tmp_path, name, data))
    assert why in refused.value.detail


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        read(tmp_path / "folder.csv")


@pytest.mark.parametrize(
    "data",
    [
        b"title,text\nA wish,why\n",
        b"\xef\xbb\xbftitle,text\r\nA wish,why\r\n",
        b"title;text\nA wish;why",
        b' title ,text\n\n"A wish",why\n',
    ],
)
def test_a_mark_windows_ends_semicolons_and_quotes_change_nothing(tmp_path: Path, data: bytes) -> None:
    [row] = read(file(tmp_path, "a.csv", data))
    assert (dict(row.values), row.wrong) == ({"title": "A wish", "text": "why"}, "")


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    data = b'title,text\n"A\nlong\nwish",x\n\nB,y\nC\nD,1,2\n'
    rows = read(file(tmp_path, "a.csv", data))
    assert [(row.number, row.wrong) for row in rows] == [
        (2, ""),
        (4, ""),
        (5, "it has 1 fields, the header 2"),
        (6, "it has 3 fields, the header 2"),
    ]
    assert rows[0].values["title"] == "A\nlong\nwish"


@pytest.mark.parametrize("bad", ['"no end', '"a"b,c', "x" * 140_000])
def test_what_csv_cannot_read_is_a_wrong_row_and_the_rows_before_stand(tmp_path: Path, bad: str) -> None:
    rows = read(file(tmp_path, "a.csv", f"title,text\nGood,x\n{bad},y\n".encode()))
    assert [row.number for row in rows] == [2, 3]
    assert rows[1].wrong.startswith("it cannot be read: ")


def test_json_lines_say_what_they_say_and_what_is_none(tmp_path: Path) -> None:
    data = '{"title": "a\u2028b", "id": 7}\r\n\n[1]\nnull\n{"title": \n' + "[" * 100_000 + '\n{"title": null}'
    rows = read(file(tmp_path, "a.jsonl", data.encode()))
    assert [(row.number, row.wrong) for row in rows] == [
        (1, ""),
        (3, "it is not a JSON object"),
        (4, "it is not a JSON object"),
        (5, "it is not JSON"),
        (6, "it is not JSON"),
        (7, ""),
    ]
    assert rows[0].values == {"title": "a\u2028b", "id": 7}


@given(data=st.binary(max_size=200), suffix=st.sampled_from([".csv", ".jsonl"]))
def test_any_bytes_are_rows_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = file(tmp_path_factory.getbasetemp(), f"any{suffix}", data)
    try:
        rows = read(path)
    except Refused:
        return
    assert rows
    assert (
        all(isinstance(row, Row) and bool(row.values) != bool(row.wrong) for row in rows)
        or suffix == ".jsonl"
    )
