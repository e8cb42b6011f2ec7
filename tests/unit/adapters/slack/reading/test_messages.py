"""Is it understood what was changed, what was taken back, and who may write at all?"""

from typing import Any

import pytest

from adapters.slack.from_slack import from_slack
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.admission import OPEN, Admission, AnswerTo, List
from adapters.slack.reading.words import NO_WORDS
from bridge.model.ids import PersonId
from bridge.model.inbound import Deleted, Edited, Inbound, Said, ThreadGone
from bridge.model.messages import Person

BOT = BotIdentity(team="T1", user="UBOT", bot="BBOT")
ROOT = "1772366400.000100"
TS = "1772366460.000200"
CHANGED = "1772366500.000300"
EDIT = {"user": "U1", "ts": "1772366500.000000"}
CALL = "<@UBOT> hi"

Json = dict[str, Any]


def callback(**event: object) -> Json:
    place = {"type": "message", "channel": "C1", "channel_type": "channel"}
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event": {**place, **event},
        "authorizations": [{"team_id": "T1", "enterprise_id": None}],
        "is_ext_shared_channel": False,
    }


def message(**fields: object) -> Json:
    return {"type": "message", "user": "U1", "ts": TS, "thread_ts": ROOT, "text": "two", **fields}


def root(**fields: object) -> Json:
    return message(**{"ts": ROOT, "thread_ts": None, "text": CALL, **fields})


def hidden(subtype: str, **fields: object) -> Json:
    return callback(subtype=subtype, hidden=True, ts=CHANGED, event_ts=CHANGED, **fields)


def changed(before: Json, after: Json, **fields: object) -> Json:
    edited = {**before, "edited": EDIT, **after}
    return hidden("message_changed", message=edited, previous_message=before, **fields)


def deleted(before: Json | None, ts: str = TS, **fields: object) -> Json:
    return hidden("message_deleted", deleted_ts=ts, previous_message=before, **fields)


def read(payload: Json, rules: Admission = OPEN) -> Inbound | None:
    return from_slack(payload, BOT, NO_WORDS, rules)


def meant(payload: Json, rules: Admission = OPEN) -> object:
    inbound = read(payload, rules)
    return inbound.body if inbound else None


# What is changed


def test_an_edit_names_the_message_as_it_was_named_when_it_was_said() -> None:
    said = read(callback(**message()))
    inbound = read(changed(message(), {"text": "three &amp; four"}))
    assert said is not None
    assert inbound is not None
    assert inbound.body == Edited(said.identities[0], "three & four")
    assert inbound.thread == said.thread == f"T1:C1:{ROOT}"
    assert inbound.identities == (f"edit:T1:C1:{TS}:{EDIT['ts']}",)
    assert inbound.person == said.person
    assert (inbound.opens, inbound.place, inbound.account) == (False, "C1", "T1")
    # Slack tells the time of an edit in whole seconds: it would come before what it changes.
    assert inbound.order == "001772366500.000300" > said.order


def test_an_edit_of_the_call_itself_belongs_to_its_own_thread() -> None:
    inbound = read(changed(root(), {"text": "<@UBOT> hello"}))
    assert inbound is not None
    assert inbound.thread == f"T1:C1:{ROOT}"
    assert inbound.body == Edited(f"message:T1:C1:{ROOT}", "hello")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (message(), {"edited": None, "attachments": [{"from_url": "https://a.example"}]}),
        (message(), {"attachments": [{"is_msg_unfurl": True, "text": "x"}]}),
        (message(edited=EDIT), {"text": "two"}),
        (message(edited=EDIT, text="two"), {"text": "unfurled", "edited": EDIT}),
        (message(), {}),
        (message(), {"text": "x", "edited": {"user": "U2", "ts": EDIT["ts"]}}),
        (message(), {"text": "x", "edited": {"user": "U1", "ts": "then"}}),
        (message(), {"text": "x", "edited": "U1"}),
        (message(user="UBOT"), {"text": "x", "edited": {**EDIT, "user": "UBOT"}}),
        (message(bot_id="BBOT"), {"text": "x"}),
        (message(bot_id="B2"), {"text": "x"}),
        (message(app_id="A1"), {"text": "x"}),
        (message(user="USLACKBOT"), {"text": "x", "edited": {**EDIT, "user": "USLACKBOT"}}),
        (root(text="all"), {"text": "hello all"}),
        (message(ts="?"), {"text": "x"}),
    ],
)
def test_what_no_person_changed_in_their_own_words_is_no_edit(before: Json, after: Json) -> None:
    assert meant(changed(before, after)) is None


def test_an_edit_without_the_words_before_counts() -> None:
    payload = changed(message(), {"text": "three"})
    del payload["event"]["previous_message"]
    assert meant(payload) == Edited(f"message:T1:C1:{TS}", "three")


def test_a_second_edit_counts() -> None:
    later = {"user": "U1", "ts": "1772366510.000000"}
    payload = changed(message(edited=EDIT), {"text": "three", "edited": later})
    assert meant(payload) == Edited(f"message:T1:C1:{TS}", "three")


def test_a_direct_message_that_is_changed_counts() -> None:
    before = root(text="hello")
    payload = changed(before, {"text": "hi"}, channel="D1", channel_type="im")
    assert meant(payload) == Edited(f"message:T1:D1:{ROOT}", "hi")


# What is taken back


def test_a_deletion_names_the_message_as_it_was_named_when_it_was_said() -> None:
    inbound = read(deleted(message()))
    assert inbound is not None
    assert inbound.body == Deleted(f"message:T1:C1:{TS}")
    assert inbound.thread == f"T1:C1:{ROOT}"
    assert inbound.identities == (f"delete:T1:C1:{TS}",)
    assert inbound.person == Person(PersonId("U1"))


@pytest.mark.parametrize(
    "payload",
    [
        deleted(root(thread_ts=ROOT, reply_count=2), ROOT),
        deleted(root(user="UBOT", thread_ts=ROOT, reply_count=2), ROOT),
        deleted(root(), ROOT),
        deleted(None, ROOT),
        deleted(root(text="hi"), ROOT, channel_type="im"),
        hidden(
            "message_changed",
            message={"type": "message", "subtype": "tombstone", "ts": ROOT, "thread_ts": ROOT},
            previous_message=root(reply_count=1),
        ),
    ],
)
def test_with_its_root_a_thread_is_gone(payload: Json) -> None:
    inbound = read(payload)
    assert inbound is not None
    assert inbound.body == ThreadGone()
    assert inbound.thread == f"T1:C1:{ROOT}"
    assert inbound.identities == (f"gone:T1:C1:{CHANGED}:{ROOT}",)
    assert not inbound.opens


@pytest.mark.parametrize(
    "payload",
    [
        deleted(root(text="all"), ROOT),
        deleted(root(text="ours", user="UBOT"), ROOT),
        deleted(message(user="UBOT")),
        deleted(message(bot_id="BBOT", user=None)),
        deleted(message(bot_id="B2", user=None)),
        deleted(message(user="USLACKBOT")),
        deleted(message(), "?"),
        hidden("message_changed", message={"subtype": "tombstone", "ts": TS, "thread_ts": ROOT}),
        hidden("message_changed", message=None),
        hidden("message_changed", message=[1]),
    ],
)
def test_any_other_deletion_is_nothing(payload: Json) -> None:
    assert meant(payload) is None


# Who writes


def test_a_name_comes_along_where_slack_tells_it() -> None:
    profile = {"display_name": "", "real_name": "Ann <x>\nLee", "name": "ann"}
    inbound = read(callback(**root(user_profile=profile)))
    assert inbound is not None
    assert inbound.person == Person(PersonId("U1"), "Ann \u2039x\u203a Lee")


OTHER_APP: Json = {
    "subtype": "bot_message",
    "user": None,
    "bot_id": "B2",
    "username": "Deploys",
    "bot_profile": {"name": "deploys", "app_id": "A2"},
}
WITH_BOTS = Admission(bots=True)


def test_another_app_is_heard_only_where_it_may_and_mentions_us() -> None:
    called = callback(**root(**OTHER_APP))
    assert meant(called) is None
    inbound = read(called, WITH_BOTS)
    assert inbound is not None
    assert (inbound.body, inbound.opens) == (Said("hi"), True)
    assert inbound.person == Person(PersonId("B2"), "Deploys")


@pytest.mark.parametrize(
    "payload",
    [
        callback(**message(**OTHER_APP)),
        callback(**root(**{**OTHER_APP, "text": "hi", "channel": "D1", "channel_type": "im"})),
        callback(**root(**{**OTHER_APP, "bot_id": "BBOT"})),
        callback(**root(**{**OTHER_APP, "bot_profile": {"app_id": "A1"}})),
        callback(**root(**{**OTHER_APP, "app_id": "A1"})),
        callback(**root(**{**OTHER_APP, "user": "UBOT"})),
        callback(**root(**{**OTHER_APP, "user": "USLACKBOT"})),
        callback(**root(**{**OTHER_APP, "bot_id": "?"})),
        callback(**root(**{**OTHER_APP, "bot_id": []})),
        changed(message(**OTHER_APP), {"text": CALL}),
    ],
)
def test_no_app_is_heard_without_a_mention_and_never_ourselves(payload: Json) -> None:
    assert meant(payload, WITH_BOTS) is None


def test_where_only_mentions_are_for_us_a_reply_must_mention() -> None:
    rules = Admission(answer_to=AnswerTo.MENTION)
    assert meant(callback(**message()), rules) is None
    assert meant(callback(**message(text=CALL)), rules) == Said("hi")
    direct = callback(**message(channel="D1", channel_type="im"))
    assert meant(direct, rules) == Said("two")
    assert meant(changed(message(), {"text": "x"}), rules) is None
    assert meant(changed(message(text=CALL), {"text": "x"}), rules) is not None
    assert meant(deleted(message()), rules) is None
    assert meant(deleted(message(text=CALL)), rules) is not None


def test_only_the_starter_counts_where_that_is_asked_for() -> None:
    rules = Admission(answer_to=AnswerTo.STARTER)
    for payload in (callback(**message()), changed(message(), {"text": "x"}), deleted(message())):
        inbound = read(payload, rules)
        assert inbound is not None
        assert inbound.starter_only
    gone = read(deleted(None, ROOT), rules)
    assert gone is not None
    assert not gone.starter_only


@pytest.mark.parametrize(
    "rules",
    [
        Admission(people=List(denied=frozenset({"U1"}))),
        Admission(channels=List(allowed=frozenset({"C9"}))),
        Admission(workspaces=List(denied=frozenset({"T1"}))),
    ],
)
def test_who_is_refused_is_nobody_whatever_they_do(rules: Admission) -> None:
    assert meant(callback(**root()), rules) is None
    assert meant(changed(message(), {"text": "x"}), rules) is None
    assert meant(deleted(message()), rules) is None
    # A thread that is gone is gone, whoever deleted its root.
    assert meant(deleted(root(), ROOT), rules) == ThreadGone()


@pytest.mark.parametrize(
    ("fields", "outer", "heard"),
    [
        ({"user_team": "T9", "source_team": "T9"}, {"is_ext_shared_channel": True}, False),
        ({"source_team": "T9"}, {"is_ext_shared_channel": True}, False),
        ({"source_team": "T9"}, {}, True),
        ({"user_team": "T1"}, {"is_ext_shared_channel": True}, True),
        (
            {"user_team": "E1"},
            {
                "is_ext_shared_channel": True,
                "authorizations": [{"team_id": "T1", "enterprise_id": "E1"}],
            },
            True,
        ),
        ({}, {"is_ext_shared_channel": True}, True),
    ],
)
def test_people_from_elsewhere_can_be_left_out(fields: Json, outer: Json, *, heard: bool) -> None:
    payload = {**callback(**root(**fields)), **outer}
    assert meant(payload) == Said("hi")
    assert (meant(payload, Admission(external_people=False)) is not None) is heard


def test_nothing_in_a_direct_message_is_nothing() -> None:
    payload = callback(**root(text="", channel="D1", channel_type="im"))
    assert meant(payload) is None


def test_a_forwarded_message_is_said() -> None:
    shared = {"is_share": True, "author_name": "Ann", "text": "look"}
    payload = callback(**message(text="", attachments=[shared]))
    assert meant(payload) == Said("[forwarded: Ann]\n> look")
