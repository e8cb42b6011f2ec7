"""Does the Matrix adapter keep every rule of the kit before a real Synapse, all the way to gold?"""

import pytest

from adapters.matrix.stand_in.synapse import VARIABLE, python
from bridge.testing.conformance import RULES, Rule, Subject, Verdict, try_rule

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not python().exists(), reason=f"no Synapse: name its Python in {VARIABLE}"),
]

SUBJECT = Subject.at(
    "matrix", plugin="adapters.matrix:PLUGIN", stand_in="adapters.matrix.stand_in:stand_in"
)
#: It claims neither: the bridge numbers suggestions, and an answer is posted when it is whole.
UNCLAIMED = {"suggestions", "growing"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_kept_but_those_of_what_it_does_not_claim(rule: Rule) -> None:
    result = try_rule(SUBJECT, rule)

    expected = Verdict.INAPPLICABLE if rule.id in UNCLAIMED else Verdict.KEPT
    assert result.verdict is expected, result
