"""What does an `Inbound` of Slack look like? One way to make it, whatever it was made of."""

from adapters.slack import ids
from bridge.model.ids import PersonId
from bridge.model.inbound import Inbound, InboundBody
from bridge.model.messages import Person


def arrival(
    thread: ids.SlackThread,
    identities: tuple[str, ...],
    *,
    ts: str,
    person: str,
    body: InboundBody,
    opens: bool,
    name: str | None = None,
    starter_only: bool = False,
) -> Inbound:
    """What `person` did in `thread` at the instant `ts`, under names that are for ever its own."""
    return Inbound(
        thread=thread.key,
        identities=identities,
        order=ids.order_of(ts),
        person=Person(PersonId(person), name),
        at=ids.instant_of(ts),
        body=body,
        opens=opens,
        place=thread.channel,
        account=thread.team,
        starter_only=starter_only,
    )
