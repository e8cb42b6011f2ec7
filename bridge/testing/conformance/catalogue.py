"""What does every adapter promise? All rules, in the order in which they are tried."""

from bridge.testing.conformance.rule import Rule
from bridge.testing.conformance.rules import (
    claims,
    correcting,
    failures,
    intake,
    leaving,
    posting,
    settings,
    speaking,
)

#: The whole catalogue; each has a page in docs/conformance-rules.
RULES: tuple[Rule, ...] = (
    settings.settings,
    intake.accept_before_ack,
    intake.redelivery,
    intake.own_messages,
    intake.thread_key,
    posting.unicode,
    posting.length,
    leaving.clean_exit,
    intake.order,
    speaking.who_speaks,
    failures.refusal,
    failures.rate_limit,
    failures.lost_answer,
    failures.unreachable,
    failures.silence,
    settings.credentials,
    leaving.crash_and_resume,
    claims.claims_agree,
    claims.declared_is_proven,
    claims.suggestions,
    claims.revise_twice,
    claims.growing,
    failures.find,
    correcting.corrections,
)
