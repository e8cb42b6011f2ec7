"""Which way out of a conversation did the operator configure for this handoff?"""

from bridge.model.value import Value


class HandoffRule(Value, frozen=True, kw_only=True):
    """One way out of the conversation. An empty `queue_name` or `reason` matches any."""

    queue_name: str = ""
    reason: str = ""
    place: str = ""  #: where helpers are called, in the platform's own name for it
    mention: str = ""  #: whom to mention there, in the platform's own name for a group
    link: str = ""
    number: str = ""

    def matches(self, *, queue: str, reason: str) -> bool:
        """Whether it is for a handoff to this queue, for this reason; case does not matter."""
        return all(
            not asked or asked.casefold() == given.casefold()
            for asked, given in ((self.queue_name, queue), (self.reason, reason))
        )


def rule_for(rules: tuple[HandoffRule, ...], *, queue: str, reason: str) -> HandoffRule:
    """The first rule that matches; one that offers nothing if none does."""
    found = (rule for rule in rules if rule.matches(queue=queue, reason=reason))
    return next(found, HandoffRule())
