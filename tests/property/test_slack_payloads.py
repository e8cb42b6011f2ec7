"""What holds for every payload? Nothing raises, and nothing of ours is read as somebody's."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.from_slack import from_slack, team_of
from adapters.slack.front.closing import places_closed, renumbered
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.admission import Admission, AnswerTo, List
from adapters.slack.reading.contents import LONGEST
from adapters.slack.reading.words import NO_WORDS
from bridge.model.inbound import Edited, Inbound, Said, ThreadGone
from tests.examples import many

patient = settings(deadline=None)

BOT = BotIdentity(team="T1", user="UBOT", bot="BBOT")
ROOT, TS, LATER = "1772366400.000100", "1772366460.000200", "1772366500.000300"
Json = dict[str, Any]


def callback(**event: object) -> Json:
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event_time": 1772366500,
        "authorizations": [{"team_id": "T1", "enterprise_id": "E1"}],
        "is_ext_shared_channel": True,
        "event": {"type": "message", "channel": "C1", "channel_type": "channel", **event},
    }


RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "a & <b>", "style": {"code": True}},
                {"type": "user", "user_id": "UBOT"},
                {"type": "link", "url": "https://a.example/|", "text": "x"},
                {"type": "emoji", "name": "+1", "unicode": "1f44d"},
                {"type": "date", "timestamp": 1, "fallback": "then"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "ordered",
            "indent": 1,
            "offset": 2,
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text"}]}],
        },
    ],
}
SHARED = {
    "is_share": True,
    "author_name": "Ben",
    "footer": "f",
    "text": "t",
    "from_url": "https://a.example/p1",
    "message_blocks": [{"message": {"blocks": [RICH]}}],
    "files": [{"name": "a", "size": 1}],
}
WRITTEN: Json = {
    "type": "message",
    "user": "U1",
    "ts": TS,
    "thread_ts": ROOT,
    "text": "<@UBOT> hi <https://a.example|a> &amp;",
    "blocks": [RICH, {"type": "table", "rows": [[{"type": "raw_text", "text": "c"}]]}],
    "attachments": [SHARED, {"title": "t", "fields": [{"title": "k", "value": "v"}]}],
    "files": [{"name": "a.txt", "mimetype": "text/plain", "size": 12, "permalink": "https://a"}],
    "user_profile": {"display_name": "Ann"},
    "user_team": "T9",
    "client_msg_id": "7f-1",
}
EDITED = {**WRITTEN, "text": "<@UBOT> other", "blocks": [], "edited": {"user": "U1", "ts": LATER}}
REAL: list[Json] = [
    callback(**WRITTEN),
    callback(**{**WRITTEN, "bot_id": "B2", "subtype": "bot_message", "username": "Robot"}),
    callback(
        subtype="message_changed", hidden=True, ts=LATER, message=EDITED, previous_message=WRITTEN
    ),
    callback(
        subtype="message_changed",
        hidden=True,
        ts=LATER,
        message={"subtype": "tombstone", "ts": ROOT, "thread_ts": ROOT},
        previous_message={**WRITTEN, "ts": ROOT},
    ),
    callback(
        subtype="message_deleted", hidden=True, ts=LATER, deleted_ts=TS, previous_message=WRITTEN
    ),
    callback(type="channel_archive", event_ts=LATER, user="U1"),
    callback(type="member_left_channel", event_ts=LATER, user="UBOT"),
    callback(type="tokens_revoked", tokens={"oauth": [], "bot": ["UBOT"]}),
    callback(type="channel_id_changed", old_channel_id="C1", new_channel_id="C2", event_ts=LATER),
]
RULES = [
    Admission(bots=True),
    Admission(answer_to=AnswerTo.MENTION, external_people=False),
    Admission(answer_to=AnswerTo.STARTER, people=List(denied=frozenset({"U1"}))),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["UBOT", "BBOT", "A1", "U1", "\ud800", "\x00\u202e", ROOT, "<!here>", "rich_text"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


def paths(tree: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield before
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from paths(value, (*before, name))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from paths(value, (*before, index))


def with_changes(tree: Json, changes: list[tuple[tuple[str | int, ...], object]]) -> object:
    """A copy in which these places hold other things, as far as they are still there."""
    copy: Any = json.loads(json.dumps(tree))
    for path, value in changes:
        if not path:
            copy = value
            continue
        place: Any = copy
        try:
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    return copy


def lawful(payload: object, rules: Admission) -> None:
    """Read it by every way there is; what comes of it must be fit to be kept and told."""
    team_of(payload)
    closed = places_closed(payload, BOT)
    assert closed is None or closed.team
    renumbered(payload)
    inbound = from_slack(payload, BOT, NO_WORDS, rules)
    if inbound is None:
        return
    assert isinstance(inbound, Inbound)
    assert inbound.person.id not in {"UBOT", "BBOT", ""}
    assert all(name.isprintable() and len(name) < 300 for name in inbound.identities)
    assert inbound.thread.startswith(inbound.account + ":" + inbound.place + ":")
    assert inbound.person.name is None or (
        inbound.person.name.isprintable() and len(inbound.person.name) <= 80
    )
    if isinstance(inbound.body, ThreadGone):
        assert not inbound.opens
    if isinstance(inbound.body, Said | Edited):
        text = inbound.body.text
        assert len(text) <= LONGEST
        assert all(c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"} for c in text)


@patient
@given(values, st.sampled_from(RULES))
def test_anything_at_all_is_read_lawfully(payload: object, rules: Admission) -> None:
    lawful(payload, rules)


@patient
@given(values, st.sampled_from(RULES))
def test_any_event_at_all_is_read_lawfully(event: object, rules: Admission) -> None:
    lawful({**callback(), "event": event}, rules)


@settings(deadline=None, max_examples=many(400))
@given(st.sampled_from(REAL), st.sampled_from(RULES), st.data())
@pytest.mark.thorough
def test_a_real_payload_with_anything_anywhere_is_read_lawfully(
    payload: Json, rules: Admission, data: st.DataObject
) -> None:
    place = st.sampled_from(sorted(paths(payload), key=str))
    changes = data.draw(st.lists(st.tuples(place, values), max_size=3))
    lawful(with_changes(payload, changes), rules)


@pytest.mark.parametrize("payload", REAL, ids=lambda payload: str(payload["event"].get("subtype")))
def test_each_of_them_means_something_as_it_is(payload: Json) -> None:
    meant = from_slack(payload, BOT, NO_WORDS, Admission(bots=True))
    assert meant or places_closed(payload, BOT) or renumbered(payload)


@patient
@given(st.sampled_from(REAL[:5]), st.sampled_from(["user", "bot_id", "app_id"]))
def test_whatever_is_ours_is_never_somebodys_words(payload: Json, by: str) -> None:
    ours = {"user": "UBOT", "bot_id": "BBOT", "app_id": "A1"}[by]
    event = payload["event"]
    inner = {
        key: {**event[key], by: ours} for key in ("message", "previous_message") if key in event
    }
    changed = {**payload, "event": {**event, **inner, **({} if inner else {by: ours})}}
    inbound = from_slack(changed, BOT, NO_WORDS, Admission(bots=True))
    assert inbound is None or isinstance(inbound.body, ThreadGone)


@pytest.mark.parametrize("depth", [50, 2000])
def test_depth_is_no_trouble(depth: int) -> None:
    nested: Any = "deep"
    for _ in range(depth):
        nested = {"type": "rich_text", "elements": [nested], "message": nested}
    for key in ("blocks", "attachments", "files", "edited", "message", "user_profile"):
        payload = callback(**{**WRITTEN, key: nested})
        lawful(payload, RULES[0])
        lawful(callback(**{**WRITTEN, key: [nested]}), RULES[0])
