"""One step while it is taken: the conversation as it stands, and the effects so far."""

from datetime import datetime
from typing import Any

import msgspec

from bridge.core.effects import Effect, Note, Owe, Settle
from bridge.core.menus import lines_of, numbers_of, without
from bridge.core.notices import in_messages, shortened
from bridge.core.state import Conversation, Menu, Session
from bridge.core.terms import Terms
from bridge.model.delivery import Ask, DeliveryState, Post, Replace
from bridge.model.ids import DeliveryId, PersonId
from bridge.model.messages import Content, Control, Notice, NoticeKind


class Stepping:
    """The verbs every part of the machine shares. Nothing here acts: it only collects."""

    def __init__(self, conversation: Conversation, now: datetime, terms: Terms) -> None:
        self.conversation = conversation
        self.now = now
        self.terms = terms
        self.effects: list[Effect] = []
        self._numbering = False  #: the numbers that count were given in this step

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

    @property
    def next_id(self) -> DeliveryId:
        """The id of the next delivery; counted, so that a repeated step gives the same."""
        return DeliveryId(f"{self.conversation.id}.{self.conversation.deliveries + 1}")

    def new_id(self) -> DeliveryId:
        """Take the next id."""
        identity = self.next_id
        self.change(deliveries=self.conversation.deliveries + 1)
        return identity

    def post(self, content: Content, only_for: PersonId | None = None) -> DeliveryId:
        """Owe the thread a new message; with `only_for` it is for that person's eyes.

        A notice may need several, of which the last is its own.
        """
        if isinstance(content, Notice) and content.controls and not self.terms.shows.suggestions:
            return self._post_numbered(content, only_for)
        if only_for is None:
            self.change(menu=None)
            self._numbering = False
        return self._owe(content, only_for)

    def _post_numbered(self, notice: Notice, only_for: PersonId | None) -> DeliveryId:
        menu = self.conversation.menu if self._numbering else None
        known = menu.lines if menu is not None and menu.only_for == only_for else ()
        notice = msgspec.structs.replace(notice, numbers=numbers_of(notice, after=known))
        delivery = self._owe(notice, only_for)
        lines = (*known, *lines_of(notice, delivery))
        self.change(menu=Menu(lines=lines, only_for=only_for) if lines else None)
        self._numbering = bool(lines)
        return delivery

    def _owe(self, content: Content, only_for: PersonId | None) -> DeliveryId:
        messages = in_messages(content, self.terms) if isinstance(content, Notice) else [content]
        for message in messages:
            delivery = self.new_id()
            self.effects.append(Owe(delivery, Post(message, only_for)))
        return delivery

    def notice(
        self,
        kind: NoticeKind,
        *,
        controls: tuple[Control, ...] = (),
        only_for: PersonId | None = None,
        **details: str,
    ) -> DeliveryId:
        """Owe the thread, or one person in it, a sentence of ours."""
        said = {name: text for name, text in details.items() if text}
        return self.post(Notice(kind, details=said, controls=controls), only_for)

    def note(self, event: str, level: str, **fields: str) -> None:
        """Tell the operator, without anybody's words."""
        said = {name: text for name, text in fields.items() if text}
        self.effects.append(Note(event, level, said))

    def replace(self, target: DeliveryId, content: Content) -> None:
        """Owe the thread a change of an earlier message, if it can be changed at all.

        What that offered it offers no longer.
        """
        self.change(menu=without(self.conversation.menu, target))
        if not self.terms.shows.edits:
            return
        if isinstance(content, Notice):
            if not self.terms.shows.suggestions:
                content = msgspec.structs.replace(content, numbers=numbers_of(content))
            content = shortened(content, self.terms)
        self.effects.append(Owe(self.new_id(), Replace(target, content)))

    def ask(self, ask: Ask) -> DeliveryId:
        """Owe the agent a person's words."""
        delivery = self.new_id()
        self.effects.append(Owe(delivery, ask))
        return delivery

    def settle(
        self, delivery: DeliveryId, state: DeliveryState, reference: str, remedy: str = ""
    ) -> None:
        """Close what was owed to the agent, or to the thread where that is told there."""
        self.effects.append(Settle(delivery, state, reference, remedy))
