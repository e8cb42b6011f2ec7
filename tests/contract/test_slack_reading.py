"""Is each thing that people can send, as the simulated Slack writes it, read for what it is?"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.slack.from_slack import from_slack, team_of
from adapters.slack.front.closing import places_closed
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.admission import OPEN, Admission
from adapters.slack.reading.words import NO_WORDS
from bridge.clock import RandomIds, SystemClock
from bridge.model.inbound import Deleted, Edited, Inbound, Said, ThreadGone
from bridge.simulators.slack import SlackSimulator


@dataclass
class Reader:
    """The simulated workspace, read as the bridge would read it."""

    slack: SlackSimulator
    channel: str
    ann: str

    @property
    def bot(self) -> BotIdentity:
        return BotIdentity(
            team=self.slack.team_id, user=self.slack.bot_user_id, bot=self.slack.bot_id
        )

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [envelope.payload for envelope in self.slack.envelopes]

    def read(self, rules: Admission = OPEN) -> list[Inbound]:
        """What was sent so far; each thing once, as the host keeps it."""
        found: dict[str, Inbound] = {}
        for payload in self.payloads:
            assert team_of(payload) == self.slack.team_id
            inbound = from_slack(payload, self.bot, NO_WORDS, rules)
            if inbound is not None:
                found.setdefault(inbound.identities[0], inbound)
        return list(found.values())

    def bodies(self, rules: Admission = OPEN) -> list[object]:
        return [inbound.body for inbound in self.read(rules)]

    async def call(self, text: str = "hi") -> str:
        return await self.slack.say(self.channel, self.ann, f"<@{self.slack.bot_user_id}> {text}")

    def name(self, ts: str) -> str:
        return f"message:{self.slack.team_id}:{self.channel}:{ts}"


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    async with SlackSimulator(clock=SystemClock(), ids=RandomIds()) as slack:
        yield Reader(slack, slack.add_channel("help"), slack.add_user("Ann"))


async def test_an_edit_is_read_once_and_a_preview_is_none(reader: Reader) -> None:
    root = await reader.call()
    reply = await reader.slack.say(reader.channel, reader.ann, "two", thread_ts=root)
    await reader.slack.unfurl(reader.channel, reply, [{"from_url": "https://a.example"}])
    await reader.slack.edit(reader.channel, reply, "three")
    await reader.slack.unfurl(reader.channel, reply, [])
    await reader.slack.edit(reader.channel, root, f"<@{reader.slack.bot_user_id}> hello")
    assert reader.bodies() == [
        Said("hi"),
        Said("two"),
        Edited(reader.name(reply), "three"),
        Edited(reader.name(root), "hello"),
    ]


async def test_a_deleted_reply_is_taken_back_and_a_deleted_root_ends_the_thread(
    reader: Reader,
) -> None:
    root = await reader.call()
    kept = await reader.slack.say(reader.channel, reader.ann, "kept", thread_ts=root)
    reply = await reader.slack.say(reader.channel, reader.ann, "two", thread_ts=root)
    await reader.slack.delete(reader.channel, reply)
    await reader.slack.delete(reader.channel, root)  # leaves a tombstone
    alone = await reader.call()
    await reader.slack.delete(reader.channel, alone)
    assert kept
    assert reader.bodies()[3:] == [
        Deleted(reader.name(reply)),
        ThreadGone(),
        Said("hi"),
        ThreadGone(),
    ]
    assert [inbound.thread.rpartition(":")[2] for inbound in reader.read()[4:]] == [
        root,
        alone,
        alone,
    ]


async def test_the_rarer_things_are_said_in_words(reader: Reader) -> None:
    slack, channel, ann = reader.slack, reader.channel, reader.ann
    root = await reader.call()
    elements = [
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": word}]}
                for word in ("milk", "bread")
            ],
        }
    ]
    other = slack.add_channel("general")
    told = await slack.say(other, slack.add_user("Ben"), "the door is &lt;open&gt;")
    await slack.write_rich(channel, ann, elements, thread_ts=root)
    await slack.act(channel, ann, "waves", thread_ts=root)
    await slack.broadcast(channel, ann, "all see this", root)
    await slack.forward(channel, ann, other, told, text="and this?", thread_ts=root)
    bodies = reader.bodies()[1:]
    texts = [body.text for body in bodies if isinstance(body, Said)]
    link = f"https://simulated.slack.com/archives/{other}/p{told.replace('.', '')}"
    assert texts == [
        "1. milk\n2. bread",
        "* waves",
        "all see this",
        f"and this?\n[forwarded: Ben, #general, {link}]\n> the door is <open>",
    ]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("document", "[file: plan.pdf, PDF, 12 kB, https://"),
        ("image", "[file: screen.png, PNG, 3 MB, https://"),
        ("snippet", "[file: log.txt, Plain Text, 99 bytes, https://"),
        ("canvas", "[file: Notes, Canvas, 1 kB, https://"),
        ("restricted", "[file: unnamed]"),
        ("hidden", "[file: hidden, as the workspace's storage is full]"),
    ],
)
async def test_a_file_is_told_whatever_became_of_it(reader: Reader, kind: str, told: str) -> None:
    root = await reader.call()
    await reader.slack.share_file(reader.channel, reader.ann, kind=kind, thread_ts=root)
    said = reader.bodies()[1]
    assert isinstance(said, Said)
    assert said.text.startswith(told)


async def test_a_deleted_file_alone_is_nothing(reader: Reader) -> None:
    root = await reader.call()
    await reader.slack.share_file(reader.channel, reader.ann, kind="deleted", thread_ts=root)
    assert len(reader.read()) == 1


async def test_other_apps_and_workflows_are_heard_only_if_they_may(reader: Reader) -> None:
    call = f"<@{reader.slack.bot_user_id}> deploy"
    await reader.slack.say_as_other_bot(reader.channel, call)
    await reader.slack.say_as_workflow(reader.channel, call, name="Nightly")
    await reader.slack.say_as_workflow(reader.channel, "unrelated")
    assert reader.read() == []
    heard = reader.read(Admission(bots=True))
    assert [inbound.person.name for inbound in heard] == ["another app", "Nightly"]


async def test_somebody_of_another_organisation_is_named_and_can_be_left_out(
    reader: Reader,
) -> None:
    reader.slack.share_channel(reader.channel)
    guest = reader.slack.add_external_user("Gus")
    await reader.slack.say(reader.channel, guest, f"<@{reader.slack.bot_user_id}> hello")
    await reader.call()
    assert [inbound.person.name for inbound in reader.read()] == ["Gus", None]
    assert [inbound.account for inbound in reader.read()] == [reader.slack.team_id] * 2
    insiders = reader.read(Admission(external_people=False))
    assert [inbound.person.id for inbound in insiders] == [reader.ann]


async def test_places_that_close_are_told_apart(reader: Reader) -> None:
    other = reader.slack.add_channel("other")
    third = reader.slack.add_channel("third")
    reader.slack.archive(reader.channel)
    reader.slack.remove_bot(other)
    reader.slack.delete_channel(third)
    reader.slack.uninstall()
    found = [places_closed(payload, reader.bot) for payload in reader.payloads]
    assert [(closed.channel, closed.why) for closed in found if closed] == [
        (reader.channel, "channel_archive"),
        (other, "channel_left"),
        (third, "channel_deleted"),
        ("", "tokens_revoked"),
        ("", "app_uninstalled"),
    ]
