"""Would each law of the fallbacks notice? A table: each law, with the faults it must catch.

Here, as in `test_law_mutants`, our own code is patched; nowhere else.
"""

import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import Phase, settings

from bridge.core import conversation, fallbacks, menus, parts, plain, showing, stepping
from bridge.core import events as e
from bridge.core.effects import Owe
from bridge.core.state import Line, Menu
from bridge.core.stepping import Stepping
from bridge.core.terms import Shows
from bridge.model.delivery import Replace
from bridge.model.ids import DeliveryId, PersonId
from bridge.model.messages import AgentReply, Content
from tests.property import test_fallbacks, test_plain

pytestmark = pytest.mark.thorough

Patch = pytest.MonkeyPatch
Law = Callable[[], None]
Fault = Callable[[Patch], None]


def what_is_added_is_not_counted(patch: Patch) -> None:
    cut = parts.parts
    patch.setattr(showing, "parts", lambda text, limit, **more: cut(text, limit + 40, **more))


def notices_are_as_long_as_they_are(patch: Patch) -> None:
    patch.setattr(stepping, "in_messages", lambda notice, terms: [notice])
    patch.setattr(stepping, "shortened", lambda notice, terms: notice)


def marks_stay(patch: Patch) -> None:
    patch.setattr(fallbacks, "plain", lambda text: text)


def changes_are_owed_to_anybody(patch: Patch) -> None:
    def replace(self: Stepping, target: DeliveryId, content: Content) -> None:
        self.effects.append(Owe(self.new_id(), Replace(target, content)))

    patch.setattr(Stepping, "replace", replace)


def _shown_as_if(patch: Patch, **claims: bool) -> None:
    offering = fallbacks.offering

    def boastful(reply: AgentReply, shows: Shows) -> AgentReply:
        return offering(reply, msgspec.structs.replace(shows, **claims))

    patch.setattr(fallbacks, "offering", boastful)


def suggestions_are_left_to_be_pressed(patch: Patch) -> None:
    _shown_as_if(patch, suggestions=True)


def nobody_says_who_speaks(patch: Patch) -> None:
    _shown_as_if(patch, authorship=True)


def links_are_left_out(patch: Patch) -> None:
    patch.setattr(fallbacks, "_line", lambda one, shows: "")


def suggestions_are_left_out(patch: Patch) -> None:
    patch.setattr(fallbacks, "_choice", lambda one, shows: "?")


def the_last_part_comes_first(patch: Patch) -> None:
    cut = parts.parts
    patch.setattr(showing, "parts", lambda *args, **more: cut(*args, **more)[::-1])


def numbers_are_forgotten(patch: Patch) -> None:
    patch.setattr(showing, "choices", lambda delivery, count, now: None)


def numbers_count_from_nought(patch: Patch) -> None:
    def shifted(delivery: DeliveryId, count: int, now: datetime) -> Menu:
        return Menu(lines=tuple(Line(at, delivery, index=at) for at in range(count)))

    patch.setattr(showing, "choices", shifted)


def numbers_count_where_things_are_pressed(patch: Patch) -> None:
    post = Stepping.post

    def numbering(self: Stepping, content: Content, only_for: PersonId | None = None) -> DeliveryId:
        delivery = post(self, content, only_for)
        if isinstance(content, AgentReply) and content.suggestions:
            self.change(menu=menus.choices(delivery, len(content.suggestions), self.now))
        return delivery

    patch.setattr(Stepping, "post", numbering)
    patch.setattr(conversation, "_heard", _answer)


def _answer(step: Stepping, event: e.Event) -> e.Event:
    if not isinstance(event, e.MessageAccepted):
        return event
    return menus.meant(step.conversation, event, step.now)


def numbers_outlive_what_is_said(patch: Patch) -> None:
    def forgiving(step: Stepping, event: e.Event) -> e.Event:
        shown = step.terms.shows.suggestions
        return event if shown else _answer(step, event)

    patch.setattr(conversation, "_heard", forgiving)
    patch.setattr(showing, "without", lambda menu, delivery: menu)
    patch.setattr(stepping, "without", lambda menu, delivery: menu)


def numbers_outlive_what_is_shown(patch: Patch) -> None:
    post = Stepping.post

    def forgiving(self: Stepping, content: Content, only_for: PersonId | None = None) -> DeliveryId:
        menu = self.conversation.menu
        delivery = post(self, content, only_for)
        if self.conversation.menu is None:
            self.change(menu=menu)
        return delivery

    patch.setattr(Stepping, "post", forgiving)
    patch.setattr(showing, "without", lambda menu, delivery: menu)


def the_moment_lasts(patch: Patch) -> None:
    patch.setattr(menus, "_READ", timedelta(hours=1))


def there_is_no_moment(patch: Patch) -> None:
    patch.setattr(showing, "is_unread", lambda menu, now: False)


def the_moment_is_prolonged(patch: Patch) -> None:
    say = showing._say

    def prolonging(step: Stepping, posts: list[AgentReply]) -> tuple[DeliveryId, ...]:
        said, menu = say(step, posts), step.conversation.menu
        if menu is not None and menu.shown_at is not None:
            step.change(menu=msgspec.structs.replace(menu, shown_at=step.now))
        return said

    patch.setattr(showing, "_say", prolonging)
    patch.setattr(conversation, "overtaking", lambda menu, before, now: menu)


def anybody_may_add(patch: Patch) -> None:
    patch.setattr(
        showing, "_adds", lambda step, reply: menus.is_unread(step.conversation.menu, step.now)
    )


def nobody_is_heeded(patch: Patch) -> None:
    patch.setattr(conversation, "heeded", lambda menu, event: menu)


def what_is_added_changes_the_list(patch: Patch) -> None:
    patch.setattr(showing, "_older_is_live", lambda step, told: False)


def there_is_no_way_out(patch: Patch) -> None:
    patch.setattr(menus, "_way_out", lambda state, message: message)


def there_is_always_a_way_out(patch: Patch) -> None:
    patch.setattr(
        menus, "_way_out", lambda state, said: e.CancelRequested(DeliveryId("c1.1"), said.person)
    )


def unknown_tags_go(patch: Patch) -> None:
    html = plain._Writer._html

    def strict(self: plain._Writer, source: str) -> None:
        if not source[1:-1].isalpha():
            html(self, source)

    patch.setattr(plain._Writer, "_html", strict)


def references_are_resolved(patch: Patch) -> None:
    patch.setattr(plain, "_READER", plain._Reader().enable("reference"))


def addresses_go(patch: Patch) -> None:
    patch.setattr(plain, "linked", lambda words, address: words)


def fences_hide_their_first_line(patch: Patch) -> None:
    patch.setattr(plain._Writer, "_line", lambda self, text: None)


#: Each law, and the faults it must catch.
LAWS: dict[Law, tuple[Fault, ...]] = {
    test_fallbacks.test_nothing_is_longer_than_the_platform_takes: (
        what_is_added_is_not_counted,
        notices_are_as_long_as_they_are,
    ),
    test_fallbacks.test_nothing_is_owed_that_the_platform_does_not_claim: (
        marks_stay,
        changes_are_owed_to_anybody,
        suggestions_are_left_to_be_pressed,
    ),
    test_fallbacks.test_every_word_of_the_agent_is_told_in_order: (
        nobody_says_who_speaks,
        links_are_left_out,
        suggestions_are_left_out,
        the_last_part_comes_first,
    ),
    test_fallbacks.test_every_suggestion_of_the_newest_message_can_be_had: (
        numbers_are_forgotten,
        numbers_count_from_nought,
        numbers_count_where_things_are_pressed,
    ),
    test_fallbacks.test_a_number_that_nothing_offered_just_now_is_words: (
        numbers_outlive_what_is_said,
        numbers_outlive_what_is_shown,
    ),
    test_fallbacks.test_what_the_agent_adds_in_a_moment_and_nothing_else_leaves_its_list: (
        there_is_no_moment,
        the_moment_lasts,
        the_moment_is_prolonged,
        anybody_may_add,
        nobody_is_heeded,
        what_is_added_changes_the_list,
    ),
    test_fallbacks.test_the_way_out_of_a_queue_is_open_as_long_as_one_waits: (
        there_is_no_way_out,
        there_is_always_a_way_out,
    ),
    test_plain.test_every_word_stays_in_its_place: (
        unknown_tags_go,
        references_are_resolved,
        addresses_go,
        fences_hide_their_first_line,
    ),
}
CASES = [(law, fault) for law, faults in LAWS.items() for fault in faults]


def _named(one: Law | Fault) -> str:
    return one.__name__.removeprefix("test_")


@pytest.mark.parametrize(("law", "fault"), CASES, ids=_named)
def test_the_law_notices_the_fault(law: Law, fault: Fault, monkeypatch: Patch) -> None:
    fault(monkeypatch)
    hasty = settings(test_fallbacks.FAST, max_examples=300, phases=[Phase.generate])
    monkeypatch.setattr(law, "_hypothesis_internal_use_settings", hasty)
    with pytest.raises(AssertionError):
        law()


def test_no_law_is_without_a_fault() -> None:
    laws = {law for name, law in vars(test_fallbacks).items() if name.startswith("test_")}
    assert laws <= set(LAWS)


def test_no_fault_is_without_a_law() -> None:
    written = {
        fault
        for name, fault in vars(sys.modules[__name__]).items()
        if callable(fault)
        and getattr(fault, "__annotations__", {}) == {"patch": Patch, "return": None}
    }
    assert written == {fault for faults in LAWS.values() for fault in faults}
