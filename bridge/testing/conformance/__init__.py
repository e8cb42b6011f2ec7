"""Does an adapter keep its promises? A black box between a lent host and a stand-in, rule by rule.

docs/conformance-kit.md tells how to use it, docs/conformance-rules each rule.
"""

from bridge.testing.conformance.catalogue import RULES
from bridge.testing.conformance.patience import Patience
from bridge.testing.conformance.rule import Rule
from bridge.testing.conformance.running import tried, try_rule
from bridge.testing.conformance.subject import Subject
from bridge.testing.conformance.verdicts import Level, Report, Result, Verdict

__all__ = [
    "RULES",
    "Level",
    "Patience",
    "Report",
    "Result",
    "Rule",
    "Subject",
    "Verdict",
    "tried",
    "try_rule",
]
