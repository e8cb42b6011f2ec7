"""Is a callback told once and signed, to one address alone, and its answer taken as it is meant?"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.webhook.adapter import Editing, Finding, connect, prove
from adapters.webhook.settings import WebhookSettings
from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Clicked
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    CallAction,
    Choice,
    Content,
    Control,
    Notice,
    NoticeKind,
    Person,
    Suggestion,
)
from bridge.model.signal import Signal, SignalKind
from bridge.plugin import Announcer, Finder, Reviser, Signaller
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost
from bridge.testing.stand_in import Fault
from tests.contract.webhook_front import Front, fronted

AGENT = Author(AuthorKind.AGENT, "Poly")
REPLY = AgentReply(AGENT, "Hello", suggestions=(Suggestion("Yes"), Suggestion("No")))


def outbound(
    content: Content = REPLY, *, place: str = "", only_for: PersonId | None = None
) -> Outbound:
    return Outbound(
        id=DeliveryId("c1.1"),
        thread=ThreadKey("t"),
        content=content,
        owed_at=NOON,
        place=place,
        only_for=only_for,
    )


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with fronted() as served:
        yield served


def told(front: Front) -> list[dict[str, Any]]:
    return [body for _, _, body in front.system.requests if body["kind"] != "ping"]


async def test_a_message_is_told_whole_and_signed_under_its_own_key(front: Front) -> None:
    receipt = await front.adapter.deliver(outbound())
    (key, headers, body) = front.system.requests[-1]
    assert key == "c1.1"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "kind": "message",
        "id": "c1.1",
        "thread": "t",
        "text": "Hello",
        "author": {"kind": "agent", "name": "Poly", "picture_url": None},
        "suggestions": [
            {"index": 0, "text": "Yes", "mark": "85a39ab3"},
            {"index": 1, "text": "No", "mark": "1ea442a1"},
        ],
        "controls": [],
        "attachments": [],
        "calls": [],
        "chosen": None,
        "notice": None,
        "only_for": None,
        "owed_at": "2030-01-01T12:00:00Z",
    }
    assert receipt == Receipt((await front.system.seen("t"))[0].id)


async def test_what_stands_beside_the_text_is_told_in_parts(front: Front) -> None:
    image = Attachment(AttachmentKind.IMAGE, "https://x.example/a.png", "A")
    reply = AgentReply(
        Author(AuthorKind.LIVE_AGENT, "Sam", "https://x.example/sam.png"),
        "Look",
        attachments=(image,),
        call_actions=(CallAction("Us", "+44"),),
        chosen=Choice("Yes", Person(PersonId("ann"), "Ann")),
    )
    await front.adapter.deliver(outbound(reply, only_for=PersonId("ann")))
    (body,) = told(front)
    assert body["author"] == {
        "kind": "live_agent",
        "name": "Sam",
        "picture_url": "https://x.example/sam.png",
    }
    assert body["attachments"][0]["kind"] == "image"
    assert body["calls"] == [{"title": "Us", "number": "+44"}]
    assert body["chosen"] == {"text": "Yes", "person": "ann", "name": "Ann"}
    assert body["only_for"] == "ann"
    (seen,) = await front.system.seen("t")
    assert (seen.author, seen.pictures) == ("Sam", ("https://x.example/a.png",))


async def test_a_notice_is_told_in_words_and_by_its_kind(front: Front) -> None:
    notice = Notice(NoticeKind.ENDED, {"reason": "REASON_USER_END"}, (Control.START,))
    await front.adapter.deliver(outbound(notice))
    (body,) = told(front)
    assert body["author"]["kind"] == "bridge"
    assert body["text"].startswith("The conversation was ended")
    assert body["notice"] == {"kind": "ended", "details": {"reason": "REASON_USER_END"}}
    assert body["controls"] == ["start"]


async def test_what_is_asked_for_by_number_is_not_offered_to_press(front: Front) -> None:
    notice = Notice(NoticeKind.ENDED, controls=(Control.START,), numbers=(1,))
    await front.adapter.deliver(outbound(notice))
    (body,) = told(front)
    assert (body["controls"], "reply 1" in body["text"]) == ([], True)


async def test_half_a_character_does_not_keep_a_message_back(front: Front) -> None:
    await front.adapter.deliver(outbound(AgentReply(AGENT, "half \ud800")))
    assert told(front)[0]["text"] == "half \ud800"


async def test_a_call_for_help_names_its_place(front: Front) -> None:
    assert isinstance(front.adapter, Announcer)
    await front.adapter.announce(outbound(Notice(NoticeKind.HANDOFF_CALL), place="SALES"))
    (body,) = front.system.announced
    assert (body["kind"], body["place"], body["thread"]) == ("announcement", "SALES", "t")


async def test_a_change_brings_the_systems_own_name_back(front: Front) -> None:
    adapter = front.adapter
    assert isinstance(adapter, Editing)
    receipt = await adapter.deliver(outbound())
    await adapter.revise(outbound(AgentReply(AGENT, "Changed")), receipt)
    body = told(front)[-1]
    assert (body["kind"], body["id"], body["reference"]) == ("change", "c1.1", receipt.reference)
    (seen,) = await front.system.seen("t")
    assert (seen.text, seen.suggestions) == ("Changed", ())


async def test_what_is_changed_and_changed_back_is_no_repetition() -> None:
    clock = FakeClock()
    async with fronted(clock) as front:
        adapter = front.adapter
        assert isinstance(adapter, Editing)
        receipt = await adapter.deliver(outbound())
        for text in ("one", "two", "one"):
            await clock.advance(timedelta(milliseconds=1))
            await adapter.revise(outbound(AgentReply(AGENT, text)), receipt)
        assert len({key for key, _, body in front.system.requests if body["kind"] == "change"}) == 3
        assert (await front.system.seen("t"))[0].text == "one"


async def test_signs_of_life_are_told_to_a_system_that_shows_them(front: Front) -> None:
    assert isinstance(front.adapter, Signaller)
    await front.adapter.signal(ThreadKey("t"), Signal(SignalKind.TYPING, "Sam"))
    assert front.system.signals("t") == ["typing"]


async def test_a_system_is_asked_only_for_what_it_can() -> None:
    async with fronted(show=[]) as front:
        assert isinstance(front.adapter, Finder)
        assert not isinstance(front.adapter, Reviser | Signaller)


@pytest.mark.parametrize(
    ("fault", "error", "shown"),
    [
        (Fault.RATE_LIMITED, RetryLater, 0),
        (Fault.REFUSED, Rejected, 0),
        (Fault.LOST_ANSWER, MaybeDelivered, 1),
        (Fault.LOST_REQUEST, MaybeDelivered, 0),
        (Fault.SILENT, MaybeDelivered, 0),
    ],
)
async def test_each_fault_raises_what_is_known(
    fault: Fault, error: type[BridgeError], shown: int
) -> None:
    async with fronted(callback_timeout="1s" if fault is Fault.SILENT else "20s") as front:
        await front.system.fail(fault)
        with pytest.raises(error):
            await front.adapter.deliver(outbound())
        assert len(await front.system.seen("t")) == shown


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST])
async def test_a_doubt_is_settled_by_telling_it_again_under_the_same_key(
    front: Front, fault: Fault
) -> None:
    await front.system.fail(fault)
    with pytest.raises(MaybeDelivered):
        await front.adapter.deliver(outbound())
    assert isinstance(front.adapter, Finding)
    receipt = await front.adapter.find(outbound(), since=NOON)
    (seen,) = await front.system.seen("t")
    assert receipt == Receipt(seen.id)
    first, second = told(front)
    assert first == second
    assert {key for key, *_ in front.system.requests[1:]} == {"c1.1"}


async def test_a_doubt_stays_open_while_the_system_cannot_be_asked(front: Front) -> None:
    assert isinstance(front.adapter, Finding)
    await front.system.fail(Fault.LOST_REQUEST)
    with pytest.raises(Unreachable):
        await front.adapter.find(outbound(), since=NOON)
    await front.system.leave()
    with pytest.raises(Unreachable):
        await front.adapter.find(outbound(), since=NOON)


async def test_without_a_promise_nothing_is_told_twice() -> None:
    async with fronted(callback_idempotent=False) as front:
        await front.system.fail(Fault.LOST_ANSWER)
        with pytest.raises(MaybeDelivered):
            await front.adapter.deliver(outbound())
        assert not isinstance(front.adapter, Finder)  # so that nobody asks again
        assert len(told(front)) == 1
        assert all(headers["Connection"] == "close" for _, headers, _ in front.system.requests)


async def test_a_press_comes_back_as_the_choice_it_was(front: Front) -> None:
    await front.adapter.deliver(outbound())
    (seen,) = await front.system.seen("t")
    await front.system.press(seen, 1)
    (inbound,) = front.host.accepted
    assert inbound.body == Clicked(DeliveryId("c1.1"), 1, Suggestion("No").mark)


async def test_a_system_that_does_not_believe_us_is_told_at_once() -> None:
    async with fronted() as front:
        wrong = WebhookSettings.model_validate(dict(front.system.wrong_settings))
        with pytest.raises(CredentialsRefused):
            await prove(wrong, front.host.http)
        with pytest.raises(CredentialsRefused):
            async with connect(wrong, PlayedHost(FakeClock(), front.host.http)):
                raise AssertionError("it must not connect")


async def test_callbacks_have_a_secret_of_their_own_if_that_is_wished() -> None:
    own = "a-secret-for-callbacks-alone-0123"
    async with fronted() as front:
        table = {**front.system.settings, "callback_secret": own}
        with pytest.raises(CredentialsRefused):  # the system knows the other one alone
            await prove(WebhookSettings.model_validate(table), front.host.http)


async def test_a_system_that_is_away_is_heard_all_the_same(front: Front) -> None:
    await front.system.leave()
    table = WebhookSettings.model_validate(dict(front.system.settings))
    host = PlayedHost(FakeClock(), front.host.http)
    async with connect(table, host) as adapter:
        with pytest.raises(Unreachable, match="refused"):
            await adapter.deliver(outbound())
    assert ("POST", "/messages") in host.routes
    with pytest.raises(Unreachable):
        await prove(table, front.host.http)


async def test_whoever_is_late_for_an_adapter_that_left_has_told_nothing() -> None:
    async with fronted() as front:
        table = WebhookSettings.model_validate(dict(front.system.settings))
        async with connect(table, PlayedHost(FakeClock(), front.host.http)) as adapter:
            pass
        with pytest.raises(Unreachable):
            await adapter.deliver(outbound())


async def test_a_proof_says_where_it_was_answered(front: Front) -> None:
    table = WebhookSettings.model_validate(dict(front.system.settings))
    assert "takes callbacks" in await prove(table, front.host.http)


async def test_nothing_in_a_message_says_where_it_goes(front: Front) -> None:
    hostile = outbound(
        AgentReply(AGENT, "http://elsewhere.example/"), place="http://elsewhere.example/"
    )
    before = len(front.system.requests)
    await front.adapter.deliver(hostile)
    assert len(front.system.requests) == before + 1
