from lifecycle.verdict import Verdict


def test_a_verdict_with_a_reason_is_not_allowed() -> None:
    assert not Verdict(reasons=("a blocker is open",)).allowed


def test_a_verdict_without_a_reason_is_allowed() -> None:
    assert Verdict().allowed
