"""The expressions of `rules:if` and the patterns of `rules:changes`."""

import pytest

from integrations.sandbox.gitlab.ci.conditions import ConditionError, any_path_matches, holds

VARIABLES = {"A": "x", "B": "release/1.4.0", "EMPTY": "", "PATTERN": "/^rel.*$/", "ZERO": "0"}


@pytest.mark.parametrize(
    "text",
    ["", "$A ==", "== $A", "$A = 'x'", "($A", "$A)", "$A && ", "$A $B", "/x/", "$A =~ 'x'", "$A =~ /(/", "A"],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        holds(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", True),
        ("$EMPTY", False),
        ("$NONE", False),
        ("$ZERO", True),
        ('$A == "x"', True),
        ("$A == 'x'", True),
        ('"x" == $A', True),
        ('$A != "x"', False),
        ("$NONE == null", True),
        ("$EMPTY == null", False),
        ('$EMPTY == ""', True),
        ('$NONE == ""', False),
        ("$A != null", True),
        ("$NONE == $OTHER", True),
        ("$B =~ /^release\\//", True),
        ("$B =~ /^RELEASE/", False),
        ("$B =~ /^RELEASE/i", True),
        ("$B !~ /hotfix/", True),
        ("$NONE =~ /x/", False),
        ("$NONE !~ /x/", True),
        ("$B =~ $PATTERN", True),
        ('$A == "x" && $B == "y"', False),
        ('$A == "x" || $B == "y"', True),
        ('$A == "y" || $A == "x" && $EMPTY', False),
        ('($A == "y" || $A == "x") && $ZERO', True),
        ('$A == "x" || $A == "y" && $EMPTY', True),
        ('  $A=="x"  ', True),
    ],
)
def test_an_expression_is_held_against_the_variables(text: str, expected: bool) -> None:
    assert holds(text, VARIABLES) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("README.md", "README.md", True),
        ("README.md", "docs/README.md", False),
        ("*.md", "docs/a.md", False),
        ("**/*.md", "docs/deep/a.md", True),
        ("**/*.md", "a.md", True),
        ("docs/**", "docs/deep/a.md", True),
        ("docs/*", "docs/deep/a.md", False),
        ("*.{js,ts}", "a.ts", True),
        ("*.{js,ts}", "a.rb", False),
        ("v?.txt", "v1.txt", True),
        ("v[!1].txt", "v1.txt", False),
        ("a+b.txt", "a+b.txt", True),
    ],
)
def test_a_pattern_fits_paths_folder_by_folder(pattern: str, path: str, expected: bool) -> None:
    assert any_path_matches([pattern], [path]) is expected
