"""Which way out of a conversation is chosen."""

import pytest

from bridge.core.handoff_rules import HandoffRule, rule_for

BILLING = HandoffRule(queue_name="billing", place="C1")
POLICY = HandoffRule(reason="POLICY", link="https://x")
BOTH = HandoffRule(queue_name="vip", reason="POLICY", number="1")
ANY = HandoffRule(number="2")


@pytest.mark.parametrize(
    ("queue", "reason", "expected"),
    [
        ("billing", "POLICY", BILLING),
        ("Billing", "", BILLING),
        ("other", "policy", POLICY),
        ("vip", "POLICY", POLICY),
        ("", "", HandoffRule()),
    ],
)
def test_the_first_that_matches_wins(queue: str, reason: str, expected: HandoffRule) -> None:
    assert rule_for((BILLING, POLICY, BOTH), queue=queue, reason=reason) == expected


def test_all_that_is_asked_must_match() -> None:
    assert BOTH.matches(queue="VIP", reason="policy")
    assert not BOTH.matches(queue="VIP", reason="")
    assert rule_for((BOTH, ANY), queue="x", reason="y") == ANY
