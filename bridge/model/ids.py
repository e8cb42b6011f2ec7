"""One type for each kind of identifier; all are opaque outside the room that mints them."""

from typing import NewType

#: The name of a configured adapter instance, such as `slack`.
AdapterName = NewType("AdapterName", str)
#: The name of a configured PolyAI agent, such as `default`.
AgentName = NewType("AgentName", str)
#: A platform's own grouping of messages; minted and read by its adapter alone.
ThreadKey = NewType("ThreadKey", str)
#: A person on a platform, as the platform names them.
PersonId = NewType("PersonId", str)
#: One conversation of ours.
ConversationId = NewType("ConversationId", str)
#: One delivery, in either direction: the conversation's id, a dot and a number counted up in it.
DeliveryId = NewType("DeliveryId", str)
#: One inbox entry.
EntryId = NewType("EntryId", int)
