"""Does the adapter keep every rule of the conformance kit?"""

import pytest

from bridge.testing.conformance import RULES, Rule, Subject, try_rule

SUBJECT = Subject.at(
    "pinboard",
    plugin="polyai_bridge_pinboard:PLUGIN",
    stand_in="polyai_bridge_pinboard.stand_in:stand_in",
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_rule_is_kept(rule: Rule) -> None:
    result = try_rule(SUBJECT, rule)
    assert result.holds, "\n".join(result.lines)
