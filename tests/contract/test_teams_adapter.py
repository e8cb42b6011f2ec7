"""Does the Teams adapter bring what people say, and show what is owed, once and as it is?"""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from adapters.teams.connection import connect, prove
from adapters.teams.login import Login
from adapters.teams.settings import TeamsSettings
from bridge.errors import (
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.model.delivery import Receipt, retired
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Clicked, Deleted, Edited, Said, StartAsked
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Choice,
    Control,
    Notice,
    NoticeKind,
    Person,
    Suggestion,
)
from bridge.plugin import Signal, SignalKind
from bridge.testing.stand_in import Fault
from tests.contract.teams_stage import AGENT, TeamsStage, outbound, teams_stage, until

SUGGESTIONS = (Suggestion("Yes"), Suggestion("No"))


@pytest.fixture
async def stage() -> AsyncIterator[TeamsStage]:
    async with teams_stage() as everybody:
        yield everybody


async def test_what_people_say_is_brought_without_the_mention_and_acknowledged(
    stage: TeamsStage,
) -> None:
    uttered = await stage.teams.say("a < b & <at>c</at>")

    inbound = await stage.until(1)

    assert inbound.body == Said("a < b & <at>c</at>")
    assert inbound.thread == uttered.thread
    assert inbound.opens
    assert inbound.person == Person(PersonId("29:ada"), "ada")
    assert inbound.place == "19:town@thread.tacv2"
    assert inbound.account == "contoso.example"
    await until(lambda: stage.teams._told[uttered.id].taken)


async def test_what_could_not_be_stored_is_told_again(stage: TeamsStage) -> None:
    stage.host.failing = 2
    uttered = await stage.teams.say("keep this")

    assert (await stage.until(1)).body == Said("keep this")
    await until(lambda: stage.teams._told[uttered.id].taken)


async def test_edits_and_deletions_name_what_was_said(stage: TeamsStage) -> None:
    uttered = await stage.teams.say("helo")
    said = await stage.until(1)
    await stage.teams.correct(uttered, "hello")
    edited = await stage.until(2)
    await stage.teams.correct(uttered, "hello!")
    again = await stage.until(3)
    await stage.teams.take_back(uttered)
    deleted = await stage.until(4)

    (name,) = said.identities
    assert edited.body == Edited(name, "hello")
    assert deleted.body == Deleted(name)
    assert len({*said.identities, *edited.identities, *again.identities, *deleted.identities}) == 4


async def test_words_alone_are_a_text_and_can_be_changed(stage: TeamsStage) -> None:
    thread = await stage.thread()

    receipt = await stage.client.deliver(outbound(thread, "**so**"))
    await stage.client.revise(outbound(thread, "not so"), receipt)
    await stage.client.revise(outbound(thread, "not so"), receipt)

    *_, shown = await stage.teams.seen(thread)
    assert (f"text {shown.id}", shown.text) == (receipt.reference, "not so")
    (message,) = [m for m in stage.microsoft.conversations[thread].values() if m.get("ours")]
    assert message["textFormat"] == "markdown"
    assert "attachments" not in message


async def test_a_pressed_suggestion_is_a_choice_and_gives_way_to_it(stage: TeamsStage) -> None:
    thread = await stage.thread()
    asked = AgentReply(AGENT, "Shall I?", suggestions=SUGGESTIONS)
    receipt = await stage.client.deliver(outbound(thread, asked))
    *_, shown = await stage.teams.seen(thread)
    assert shown.suggestions == ("Yes", "No")

    await stage.teams.press(shown, 1)
    pressed = await stage.until(2)
    choice = Choice("No", pressed.person)
    await stage.client.revise(outbound(thread, retired(asked, choice)), receipt)

    assert pressed.body == Clicked(outbound(thread, "").id, 1, SUGGESTIONS[1].mark)
    assert pressed.thread == thread
    changed = next(s for s in await stage.teams.seen(thread) if f"card {s.id}" == receipt.reference)
    assert changed.suggestions == ()
    assert "✓ No" in changed.text


async def test_a_card_stays_a_card_also_without_its_buttons(stage: TeamsStage) -> None:
    thread = await stage.thread()
    asked = AgentReply(AGENT, "Shall **I**?", suggestions=SUGGESTIONS)
    receipt = await stage.client.deliver(outbound(thread, asked))

    await stage.client.revise(outbound(thread, retired(asked, None)), receipt)

    (message,) = [m for m in stage.microsoft.conversations[thread].values() if m.get("ours")]
    assert "text" not in message
    assert (await stage.teams.seen(thread))[-1].text == "Shall I?"
    assert (await stage.teams.seen(thread))[-1].suggestions == ()


async def test_a_notice_offers_what_can_be_done(stage: TeamsStage) -> None:
    thread = await stage.thread()
    ended = Notice(NoticeKind.ENDED, controls=(Control.START,))
    await stage.client.deliver(outbound(thread, ended, "c.7"))

    *_, shown = await stage.teams.seen(thread)
    await stage.teams.press(shown, 0)

    assert shown.suggestions == ("Start again",)
    assert (await stage.until(2)).body == StartAsked(outbound(thread, "", "c.7").id)


async def test_pictures_and_links_stand_in_the_same_message(stage: TeamsStage) -> None:
    thread = await stage.thread()
    picture = Attachment(AttachmentKind.IMAGE, "https://pictures.example/1.png", "A cat")
    link = Attachment(AttachmentKind.LINK, "https://shop.example/", "The shop")
    await stage.client.deliver(
        outbound(thread, AgentReply(AGENT, "Look", attachments=(picture, link)))
    )

    _, shown = await stage.teams.seen(thread)

    assert shown.pictures == ("https://pictures.example/1.png",)
    assert "Look" in shown.text
    assert "The shop https://shop.example/" in shown.text


async def test_signs_of_life_are_typing_and_end_by_themselves(stage: TeamsStage) -> None:
    thread = await stage.thread()

    await stage.client.signal(thread, Signal(SignalKind.TYPING))
    await stage.client.signal(thread, Signal(SignalKind.CLEAR))

    assert stage.microsoft.requests == [("POST", "typing")]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RATE_LIMITED, RetryLater),
        (Fault.REFUSED, Rejected),
        (Fault.LOST_ANSWER, MaybeDelivered),
        (Fault.LOST_REQUEST, MaybeDelivered),
    ],
)
async def test_each_trouble_says_how_sure_we_are(
    stage: TeamsStage, fault: Fault, error: type[Exception]
) -> None:
    thread = await stage.thread()
    await stage.teams.fail(fault)

    with pytest.raises(error) as raised:
        await stage.client.deliver(outbound(thread, "once"))

    there = [each for each in await stage.teams.seen(thread) if each.ours]
    assert len(there) == (1 if fault is Fault.LOST_ANSWER else 0)
    if isinstance(raised.value, RetryLater):
        assert raised.value.after == timedelta(seconds=1)


async def test_a_refused_connection_posts_nothing(stage: TeamsStage) -> None:
    thread = await stage.thread()
    await stage.teams.leave()

    with pytest.raises(Unreachable):
        await stage.client.deliver(outbound(thread, "later"))

    await stage.teams.return_()
    await stage.client.deliver(outbound(thread, "later"))


async def test_a_withdrawn_token_is_renewed_once_and_then_a_person_must_act(
    stage: TeamsStage,
) -> None:
    thread = await stage.thread()
    await stage.client.deliver(outbound(thread, "one"))
    stage.microsoft.revoke()

    with pytest.raises(RetryLater):
        await stage.client.deliver(outbound(thread, "two"))
    await stage.client.deliver(outbound(thread, "two"))
    stage.microsoft.revoke()
    with pytest.raises(RetryLater):
        await stage.client.deliver(outbound(thread, "three"))
    await stage.client._login.header()
    stage.microsoft.revoke()
    with pytest.raises(CredentialsRefused):
        await stage.client.deliver(outbound(thread, "three"))


async def test_posts_that_met_the_same_withdrawn_token_are_all_tried_again(
    stage: TeamsStage,
) -> None:
    thread = await stage.thread()
    await stage.client.deliver(outbound(thread, "one"))
    stage.microsoft.revoke()

    posts = [stage.client.deliver(outbound(thread, each)) for each in ("two", "three", "four")]
    outcomes = await asyncio.gather(*posts, return_exceptions=True)

    assert {type(each) for each in outcomes} == {RetryLater}


async def test_nobody_waits_for_the_login_again_that_just_did_in_vain(stage: TeamsStage) -> None:
    held, asked = asyncio.Event(), []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        await held.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = stage.settings.model_copy(update={"login_url": url})
        login = Login(settings, stage.host.http, stage.clock)
        posts = [asyncio.create_task(login.header()) for _ in range(5)]
        await until(lambda: len(asked) == 1)
        held.set()
        outcomes = await asyncio.gather(*posts, return_exceptions=True)

    assert {type(each) for each in outcomes} == {Unreachable}
    assert len(asked) == 1


async def test_a_token_is_renewed_before_it_ends(stage: TeamsStage) -> None:
    before = await stage.client._login.header()
    assert await stage.client._login.header() == before

    stage.clock.shift = timedelta(minutes=56)

    assert await stage.client._login.header() != before


async def test_a_service_that_does_not_answer_takes_no_connection_from_others(
    stage: TeamsStage,
) -> None:
    thread = await stage.thread()
    posts = []
    for number in range(1, 101):
        await stage.teams.fail(Fault.SILENT)
        posts.append(asyncio.create_task(stage.client.deliver(outbound(thread, "silence"))))
        await until(lambda: len(stage.microsoft.requests) == number)  # noqa: B023 - at once

    async with stage.host.http.get(f"{stage.microsoft.address}/openid") as answer:
        assert answer.status == 200

    assert not any(each.done() for each in posts)
    for each in posts:
        each.cancel()
    await asyncio.gather(*posts, return_exceptions=True)


async def test_a_conversation_that_is_gone_is_closed(stage: TeamsStage) -> None:
    thread = await stage.thread()
    del stage.microsoft.conversations[thread]

    with pytest.raises(ThreadClosed):
        await stage.client.deliver(outbound(thread, "anybody?"))
    with pytest.raises(ThreadClosed):
        await stage.client.deliver(outbound(ThreadKey("a:never-heard-of"), "anybody?"))


async def test_a_message_that_is_gone_ends_only_its_change(stage: TeamsStage) -> None:
    thread = await stage.thread()
    receipt = await stage.client.deliver(outbound(thread, "one"))
    del stage.microsoft.conversations[thread][receipt.reference.removeprefix("text ")]

    with pytest.raises(Rejected) as raised:
        await stage.client.revise(outbound(thread, "two"), receipt)
    assert not isinstance(raised.value, ThreadClosed)
    with pytest.raises(Rejected):
        await stage.client.revise(outbound(thread, "two"), Receipt(""))


async def test_where_a_thread_is_served_outlives_the_connection(stage: TeamsStage) -> None:
    thread = await stage.thread()

    async with connect(stage.settings, stage.host) as another:
        await another.deliver(outbound(thread, "still here"))
    with pytest.raises(Unreachable):
        await another.deliver(outbound(thread, "too late"))

    assert (await stage.teams.seen(thread))[-1].text == "still here"
    assert list(stage.host.memory.kept) == ["service/19:town@thread.tacv2"]


async def test_a_login_that_is_away_keeps_nobody_out(stage: TeamsStage) -> None:
    thread = await stage.thread()
    await stage.teams.leave()

    async with connect(stage.settings, stage.host) as another:
        with pytest.raises(Unreachable):
            await another.deliver(outbound(thread, "later"))
        await stage.teams.return_()
        await another.deliver(outbound(thread, "later"))


@pytest.mark.thorough  # the time limit itself
async def test_a_login_that_does_not_answer_keeps_nobody_out_either(stage: TeamsStage) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = stage.settings.model_copy(update={"login_url": url})
        async with asyncio.timeout(12), connect(settings, stage.host):
            assert ("POST", "/messages") in stage.host.routes


async def test_proving_says_as_whom_and_never_the_secret(stage: TeamsStage) -> None:
    wrong = TeamsSettings.model_validate(dict(stage.teams.wrong_settings))
    async with aiohttp.ClientSession() as http:
        said = await prove(stage.settings, http)
        with pytest.raises(CredentialsRefused) as raised:
            await prove(wrong, http)
        keyless = {**stage.teams.settings, "openid_url": f"{stage.microsoft.address}/nothing"}
        with pytest.raises(Unreachable, match="keys"):
            await prove(TeamsSettings.model_validate(keyless), http)
        await stage.teams.leave()
        with pytest.raises(Unreachable):
            await prove(stage.settings, http)

    assert said == "app 11111111-2222-3333-4444-555555555555 of the tenant contoso.example"
    for secret in ("the-secret-of-the-app", "the-secret-of-another-app"):
        assert secret not in f"{said} {raised.value} {stage.settings!r} {wrong}"
