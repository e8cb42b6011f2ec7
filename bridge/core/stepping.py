"""One step while it is taken: the conversation as it stands, and the effects so far."""

from datetime import datetime
from typing import Any

import msgspec

from bridge.core.effects import Effect, Owe, Settle
from bridge.core.parts import parts
from bridge.core.state import Conversation, Offered, Session, Terms
from bridge.model.delivery import Ask, DeliveryState, Post, Replace, Retire
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Choice, Content, Control, Notice, NoticeKind

#: How many message ids a session remembers as shown.
_SHOWN = 256


class Stepping:
    """The verbs every part of the machine shares. Nothing here acts: it only collects."""

    def __init__(self, conversation: Conversation, now: datetime, terms: Terms) -> None:
        self.conversation = conversation
        self.now = now
        self.terms = terms
        self.effects: list[Effect] = []

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - the fields of Conversation
        """Set fields of the conversation."""
        self.conversation = msgspec.structs.replace(self.conversation, **fields)

    def change_session(self, **fields: Any) -> None:  # noqa: ANN401 - the fields of Session
        """Set fields of the present session."""
        if self.conversation.session is not None:
            self.change(session=msgspec.structs.replace(self.conversation.session, **fields))

    def session(self, number: int) -> Session | None:
        """The present session if it is that one: whatever else speaks of another is stale."""
        session = self.conversation.session
        return session if session is not None and session.number == number else None

    def new_id(self) -> DeliveryId:
        """An id for one more delivery; counted, so that a repeated step gives the same."""
        count = self.conversation.deliveries + 1
        self.change(deliveries=count)
        return DeliveryId(f"{self.conversation.id}.{count}")

    def post(self, content: Content) -> DeliveryId:
        """Owe the thread a new message."""
        delivery = self.new_id()
        self.effects.append(Owe(delivery, Post(content)))
        return delivery

    def notice(
        self, kind: NoticeKind, *, control: Control | None = None, **details: str
    ) -> DeliveryId:
        """Owe the thread a sentence of ours."""
        said = {name: text for name, text in details.items() if text}
        return self.post(Notice(kind, details=said, control=control))

    def replace(self, target: DeliveryId, content: Content) -> None:
        """Owe the thread a change of an earlier message."""
        self.effects.append(Owe(self.new_id(), Replace(target, content)))

    def reply(self, reply: AgentReply, message_id: str) -> None:
        """Owe the thread a message of the agent, in as many parts as it needs, once."""
        session = self.conversation.session
        if session is None or reply.empty or (message_id and message_id in session.shown):
            return
        if message_id:
            self.change_session(shown=(*session.shown, message_id)[-_SHOWN:])
        self.retire(None)
        *first, last = parts(reply.text, self.terms.text_limit)
        for text in first:
            self.post(AgentReply(author=reply.author, text=text))
        suggestions = reply.suggestions[: self.terms.suggestion_limit]
        final = msgspec.structs.replace(reply, text=last, suggestions=suggestions)
        delivery = self.post(final)
        if suggestions:
            self.change(offered=Offered(delivery, tuple(s.text for s in suggestions)))

    def retire(self, chosen: Choice | None) -> None:
        """Take the live suggestions away; whatever comes next has overtaken them."""
        offered = self.conversation.offered
        if offered is not None:
            self.change(offered=None)
            self.effects.append(Owe(self.new_id(), Retire(offered.delivery, chosen)))

    def close_queue(self) -> None:
        """The wait for a live agent is over: its notice must not go on promising a place."""
        session = self.conversation.session
        if session is not None and session.queue_notice is not None:
            self.replace(session.queue_notice, Notice(NoticeKind.HANDOFF_FOUND))
            self.change_session(queue_notice=None)

    def ask(self, ask: Ask) -> DeliveryId:
        """Owe the agent a person's words."""
        delivery = self.new_id()
        self.effects.append(Owe(delivery, ask))
        return delivery

    def settle(self, delivery: DeliveryId, state: DeliveryState, reference: str) -> None:
        """Close what was owed to the agent."""
        self.effects.append(Settle(delivery, state, reference))
