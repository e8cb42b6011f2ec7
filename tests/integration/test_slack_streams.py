"""Does an answer grow in Slack to its end, as one message, whatever befalls the bridge?"""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.simulators.slack import SimulatedMessage
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

BEGINNING = "A beginning of some length, which is enough to post. "
MIDDLE = "Then comes **more** of it, "
END = "and now the end."
WHOLE = BEGINNING + MIDDLE.replace("*", "") + END
UNSEEN = "\u200b"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The bridge between the simulators, with messages that grow twenty times a second."""
    async with staged(tmp_path) as running:
        running.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        config = running.config.read_text()
        running.config.write_text(f'{config}stream_pace = "50ms"\n')
        await running.started()
        yield running


class Place:
    """A thread in which Ann has been greeted and answered once."""

    def __init__(self, stage: Stage, channel: str, thread: str) -> None:
        self.stage, self.channel, self.thread = stage, channel, thread

    @property
    def answers(self) -> list[SimulatedMessage]:
        """What the bridge shows there after the greeting and the first answer."""
        told = self.stage.slack.messages(self.channel, self.thread)
        return [m for m in told if m.bot_id == self.stage.slack.bot_id and not m.deleted][2:]

    @property
    def texts(self) -> list[str]:
        """Each text that the growing message has shown; none before it is there."""
        shown = [self.stage.slack.texts(self.channel, m.ts) for m in self.answers[:1]]
        return [text.replace(UNSEEN, "") for texts in shown for text in texts]

    def hears(self, *chunks: str, last: bool = False) -> None:
        """The agent says more."""
        said = [{"text": text} for text in chunks]
        ended = [{**one, "is_complete": last and one is said[-1]} for one in said]
        self.stage.polyai.stream_chunks(None, ended)

    async def shows(self, text: str) -> None:
        """The message has grown to this, and may grow again."""
        await self.stage.until(lambda: self.texts[-1:] == [text.strip()])
        await self.stage.quiet(lasting=0.1)

    async def is_finished(self) -> None:
        """It reads whole, once, as it was meant, with nothing left open."""
        await self.stage.until(lambda: self.texts[-1:] == [WHOLE])
        await self.stage.quiet()
        (message,) = self.answers
        assert message.text == WHOLE
        assert [block["type"] for block in message.blocks] == ["section"]
        assert "*more*" in message.blocks[0]["text"]["text"]
        assert message.metadata is not None
        assert message.streaming_state != "in_progress"


async def at(stage: Stage, kind: str) -> Place:
    """Ann is being served, in a direct message or in a channel."""
    if kind == "direct":
        channel = stage.slack.direct_channel(stage.ann)
        thread = await stage.slack.direct_message(stage.ann, "say hello")
    else:
        channel, thread = stage.channel, await stage.mention("say hello")
    await stage.until(lambda: "hello" in stage.told(thread, channel=channel))
    await stage.quiet()
    return Place(stage, channel, thread)


both = pytest.mark.parametrize("kind", ["direct", "channel"])


@both
async def test_an_answer_grows_to_its_end_as_one_message(stage: Stage, kind: str) -> None:
    place = await at(stage, kind)
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    place.hears(MIDDLE)
    await stage.until(lambda: len(place.texts) == 2)
    place.hears(END, last=True)
    await place.is_finished()

    assert all(later.startswith(earlier) for earlier, later in pairwise(place.texts))
    streamed = [c.method for c in stage.slack.calls if c.method.endswith("Stream")]
    assert bool(streamed) is (kind == "direct")


@both
async def test_killed_between_two_growths_the_same_message_is_finished(
    stage: Stage, kind: str
) -> None:
    place = await at(stage, kind)
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    place.hears(MIDDLE)
    await stage.until(lambda: len(place.texts) == 2)
    await stage.kill()
    place.hears(END, last=True)
    await stage.started()
    await place.is_finished()


@both
async def test_killed_after_the_first_words_the_same_message_goes_on(
    stage: Stage, kind: str
) -> None:
    place = await at(stage, kind)
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    await stage.kill()
    await stage.started()
    place.hears(MIDDLE)
    place.hears(END, last=True)
    await place.is_finished()


@pytest.mark.parametrize("method", ["chat.startStream", "chat.stopStream", "chat.update"])
async def test_killed_before_slack_has_answered_the_same_message_is_finished(
    stage: Stage, method: str
) -> None:
    place = await at(stage, "direct")
    stage.slack.slow(method, timedelta(seconds=30))
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    if method != "chat.startStream":
        before = len(stage.slack.calls)
        place.hears(MIDDLE, END, last=True)
        await stage.until(lambda: method in {c.method for c in stage.slack.calls[before:]})
    await stage.kill()
    if method == "chat.startStream":
        place.hears(MIDDLE, END, last=True)
    await stage.started()
    await place.is_finished()


@pytest.mark.parametrize("method", ["chat.startStream", "chat.postMessage"])
async def test_a_lost_answer_to_the_first_words_makes_no_second_message(
    stage: Stage, method: str
) -> None:
    place = await at(stage, "direct" if method == "chat.startStream" else "channel")
    stage.slack.lose_response(method)
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    place.hears(MIDDLE, END, last=True)
    await place.is_finished()


async def test_a_stream_that_slack_ends_under_us_is_finished(stage: Stage) -> None:
    place = await at(stage, "direct")
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    await stage.slack.stop_stream(place.channel, place.answers[0].ts)
    place.hears(MIDDLE)
    await stage.quiet()
    place.hears(END, last=True)
    await place.is_finished()


@both
async def test_refused_growth_leaves_the_end_whole(stage: Stage, kind: str) -> None:
    place = await at(stage, kind)
    method = "chat.appendStream" if kind == "direct" else "chat.update"
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    stage.slack.rate_limit(method, after=timedelta(seconds=1))
    place.hears(MIDDLE)
    await stage.until(lambda: any(c.outcome == "rate_limited" for c in stage.slack.calls))
    place.hears(END, last=True)
    await place.is_finished()


async def test_an_update_that_is_refused_for_a_while_ends_it_all_the_same(stage: Stage) -> None:
    place = await at(stage, "channel")
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    stage.slack.http_error("chat.update", 503, n=2)
    place.hears(MIDDLE, END, last=True)
    await place.is_finished()


async def test_a_workspace_without_streams_sees_a_message_that_changes(stage: Stage) -> None:
    stage.slack.refuse_streams("feature_not_enabled")
    place = await at(stage, "direct")
    place.hears(BEGINNING)
    await place.shows(BEGINNING)
    place.hears(MIDDLE)
    await stage.until(lambda: len(place.texts) == 2)
    place.hears(END, last=True)
    await place.is_finished()
