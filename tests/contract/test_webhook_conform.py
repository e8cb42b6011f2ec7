"""Does the adapter keep the kit's rules before other systems than the most able one?

`polyai-bridge conform webhook` tries the one that shows everything; a report names what is broken.
"""

import pytest

from bridge.testing.conformance import RULES, Rule, Subject, Verdict, try_rule

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300)]

#: What the promise about keys is for.
_OF_KEYS = {"lost-answer", "silence", "find"}


def kept(rule: Rule, stand_in: str) -> bool:
    subject = Subject.at(
        "webhook",
        plugin="adapters.webhook:PLUGIN",
        stand_in=f"tests.contract.webhook_front:{stand_in}",
    )
    result = try_rule(subject, rule)
    assert result.verdict in {Verdict.KEPT, Verdict.INAPPLICABLE}, result
    return result.verdict is Verdict.KEPT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_system_that_shows_nothing_but_text_is_served_by_every_rule(rule: Rule) -> None:
    assert kept(rule, "plain_stand_in") or rule.id in {
        "declared-is-proven",
        "suggestions",
        "revise-twice",
        "growing",
    }


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.id in _OF_KEYS], ids=lambda rule: rule.id
)
def test_a_system_that_promises_nothing_is_never_told_twice(rule: Rule) -> None:
    assert kept(rule, "forgetful_stand_in") or rule.id == "find"
