"""Does the Teams adapter keep every rule of the kit, all the way to gold?"""

import pytest

from bridge.testing.conformance import RULES, Rule, Subject, Verdict, try_rule

pytestmark = pytest.mark.thorough

SUBJECT = Subject.at(
    "teams", plugin="adapters.teams:PLUGIN", stand_in="adapters.teams.stand_in:stand_in"
)
#: It claims neither: an answer is posted when it is whole, and nothing can be read back.
UNCLAIMED = {"growing", "find"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_kept_but_those_of_what_it_does_not_claim(rule: Rule) -> None:
    result = try_rule(SUBJECT, rule)

    expected = Verdict.INAPPLICABLE if rule.id in UNCLAIMED else Verdict.KEPT
    assert result.verdict is expected, result
