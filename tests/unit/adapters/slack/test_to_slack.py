"""Does each kind of message look as recorded, and keep Slack's limits?

Each case has a file in `tests/snapshots/slack`, whose blocks can be pasted into Block Kit Builder.
`UPDATE_SNAPSHOTS=1` writes them anew: review the difference, not the code that made it.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from adapters.slack import ids, limits
from adapters.slack.to_slack import Features, SlackMessage, to_slack
from bridge.model.delivery import Outbound, retired
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
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

SNAPSHOTS = Path(__file__).parents[3] / "snapshots" / "slack"
AGENT = Author(AuthorKind.AGENT, "Polly", "https://pictures.example/polly.png")
ANNA = Author(AuthorKind.LIVE_AGENT, "Anna Example", "https://pictures.example/anna.png")

MARKDOWN = """# Your order

**Shipped** on *Monday*, ~~not Tuesday~~. Track it [here](https://shop.example/t?a=1&b=2).

- one
  - nested
- two with `code`

1. first
2. second

> a quote

| Item | Price |
|------|------:|
| Tea  | 4 < 5 |

```
if a < b: pass
```
"""

HTML = (
    "<p>Hello <b>you</b>,<br>please choose:</p>"
    "<ul><li>one</li><li><em>two</em></li></ul>"
    "<p>or <a href='https://shop.example'>look</a> at <code>x &lt; y</code></p>"
)

HOSTILE = (
    "<!channel> <@U0123456789> <#C0123456789|general> <!subteam^S1|@ops> "
    "[safe](javascript:alert(1)) [https://bank.example](https://evil.example) "
    '<a href="data:text/html,x">data</a> <script>alert(1)</script> &lt;!here&gt; \u202egnp.exe'
)

SUGGESTIONS = tuple(map(Suggestion, ("Yes", "No", "x" * 90, " ", "<!here>")))
PICTURE = Attachment(AttachmentKind.IMAGE, "https://pictures.example/map.png", "Where we are")
LINKS = (
    Attachment(AttachmentKind.LINK, "https://shop.example/a", "Plain"),
    Attachment(AttachmentKind.LINK, "https://shop.example/b", "Button", None, "Open the shop"),
    Attachment(AttachmentKind.LINK, "https://shop.example/c", "Preview", PICTURE.url),
    Attachment(AttachmentKind.OTHER, "https://shop.example/d.pdf"),
    Attachment(AttachmentKind.LINK, "javascript:alert(1)", "Only a title"),
    Attachment(AttachmentKind.LINK, None),
    Attachment(AttachmentKind.IMAGE, "data:image/png,x", "No picture"),
)
CARD = Attachment(
    AttachmentKind.LINK, "https://shop.example/e", "A chair & a table", PICTURE.url, "Buy it"
)
CALLS = (CallAction("Call us", "+44 (0)20 7946 0000"), CallAction("Ask", "the operator"))
OFFER = AgentReply(AGENT, "Shall I?", suggestions=SUGGESTIONS)

CASES: dict[str, Content] = {
    "plain": AgentReply(AGENT, "Hello, how can I help?"),
    "unfinished": AgentReply(AGENT, "Hello, **how** can", unfinished=True),
    "unfinished_empty": AgentReply(AGENT, unfinished=True),
    "markdown": AgentReply(AGENT, MARKDOWN),
    "html": AgentReply(AGENT, HTML),
    "hostile": AgentReply(AGENT, HOSTILE),
    "suggestions": OFFER,
    "suggestions_alone": AgentReply(AGENT, suggestions=SUGGESTIONS[:2]),
    "suggestions_chosen": retired(OFFER, Choice("Yes & *no*", Person(PersonId("U0123456789")))),
    "suggestions_chosen_elsewhere": retired(OFFER, Choice("Yes", Person(PersonId("<!here>")))),
    "suggestions_retired": retired(OFFER, None),
    "suggestions_too_many": AgentReply(
        AGENT, "Pick", suggestions=tuple(Suggestion(f"Choice {n}") for n in range(30))
    ),
    "suggestions_many": AgentReply(
        AGENT, "Pick", suggestions=tuple(Suggestion(f"Choice {n}") for n in range(10))
    ),
    "suggestions_more_than_a_menu": AgentReply(
        AGENT, "Pick", suggestions=tuple(Suggestion(f"Choice {n}") for n in range(120))
    ),
    "card": AgentReply(AGENT, "Look:", attachments=(CARD,)),
    "picture": AgentReply(AGENT, "Here:", attachments=(PICTURE,)),
    "picture_untitled": AgentReply(
        AGENT, attachments=(Attachment(AttachmentKind.IMAGE, PICTURE.url),)
    ),
    "links": AgentReply(AGENT, "See:", attachments=LINKS),
    "attachments_too_many": AgentReply(AGENT, attachments=(PICTURE,) * 12 + LINKS[:1] * 12),
    "calls": AgentReply(AGENT, "You may call:", call_actions=CALLS),
    "live_agent": AgentReply(ANNA, "Hi, Anna here."),
    "live_agent_unnamed": AgentReply(Author(AuthorKind.LIVE_AGENT), "Hi."),
    "live_agent_hostile": AgentReply(
        Author(AuthorKind.LIVE_AGENT, "<!here> & *Bob* " + "x" * 90, "http://pictures.example/b"),
        "Hi.",
    ),
    "live_agent_reserved": AgentReply(Author(AuthorKind.LIVE_AGENT, "Slack bot"), "Hi."),
    "empty": AgentReply(AGENT),
    "long": AgentReply(AGENT, " ".join(f"{n} & more;" for n in range(1000))),
    "notice_ended": Notice(
        NoticeKind.ENDED, {"reason": "REASON_USER_END"}, controls=(Control.START,)
    ),
    "notice_waiting": Notice(
        NoticeKind.HANDOFF_WAITING, {"queue": "Sales & <!here>", "position": "2"}
    ),
    "notice_waiting_since": Notice(
        NoticeKind.HANDOFF_WAITING,
        {"queue": "Sales", "wait_seconds": "150", "since": "2026-03-01T12:05:00+00:00"},
        controls=(Control.CANCEL,),
    ),
    "notice_waiting_in_their_words": Notice(
        NoticeKind.HANDOFF_WAITING,
        {"message": "Two <!date^0^{time}|are> before you", "since": "2026-03-01T12:05:00+00:00"},
        controls=(Control.CANCEL,),
    ),
    "notice_found": Notice(NoticeKind.HANDOFF_FOUND),
    "notice_joined": Notice(NoticeKind.HANDOFF_JOINED, {"name": "*Anna* <!here>"}),
    "notice_left": Notice(NoticeKind.HANDOFF_LEFT, {"name": "Anna"}),
    "notice_handoff_failed": Notice(
        NoticeKind.HANDOFF_FAILED, {"reason": "no agents", "timed_out": "yes"}
    ),
    "notice_left_the_queue": Notice(
        NoticeKind.ENDED, {"reason": "LEFT_QUEUE"}, controls=(Control.START,)
    ),
    "notice_not_delivered": Notice(NoticeKind.NOT_DELIVERED, {"text": "<@U0123456789> hello"}),
    "notice_not_delivered_retry": Notice(
        NoticeKind.NOT_DELIVERED, {"text": "<@U0123456789> hello"}, controls=(Control.RETRY,)
    ),
    "notice_sent_again": Notice(NoticeKind.NOT_DELIVERED, {"text": "hello", "again": "yes"}),
    "notice_problem_retry": Notice(
        NoticeKind.AGENT_PROBLEM,
        {"message": "Sorry, I encountered an error. Please try again."},
        controls=(Control.RETRY,),
    ),
    "notice_elsewhere": Notice(
        NoticeKind.HANDOFF_ELSEWHERE,
        {
            "queue": "Billing",
            "reason": "COMPLEX_QUERY",
            "link": "https://help.example/form?topic=a&b=c",
            "number": "+44 20 7946 0000",
        },
    ),
    "notice_elsewhere_called": Notice(
        NoticeKind.HANDOFF_ELSEWHERE,
        {"queue": "Billing", "called": "yes"},
        controls=(Control.START,),
    ),
    "notice_elsewhere_hostile": Notice(
        NoticeKind.HANDOFF_ELSEWHERE,
        {
            "queue": "\x1a0\x1a <!channel>",
            "link": "javascript:alert(1)",
            "route": "https://evil.example/|<!here>",
            "number": "<!everyone>",
        },
    ),
}
CALLED = {"queue": "Billing", "reason": "POLICY", "person": "U0123456789"}
CALLS_FOR_HELP: dict[str, Notice] = {
    "call_to_a_group": Notice(NoticeKind.HANDOFF_CALL, {**CALLED, "mention": "S0123456789"}),
    "call_to_a_person": Notice(NoticeKind.HANDOFF_CALL, {"mention": "U0123456789"}),
    "call_hostile": Notice(
        NoticeKind.HANDOFF_CALL,
        {"queue": "<!here>", "reason": "*a* <b>", "person": "<@U1>", "mention": "<!channel>"},
    ),
}
PLAINER: dict[str, tuple[Content, Features]] = {
    "live_agent_without_scope": (CASES["live_agent"], Features(authorship=False)),
    "picture_as_link": (CASES["picture"], Features(pictures=False)),
    "links_without_pictures": (CASES["links"], Features(pictures=False)),
}
ALL: dict[str, tuple[Content, Features]] = {
    **{name: (content, Features()) for name, content in CASES.items()},
    **PLAINER,
    **{
        name: (content, Features(address="https://simulated.slack.com/"))
        for name, content in CALLS_FOR_HELP.items()
    },
}


def shown(content: Content, features: Features, *, channel: str = "C0123456789") -> SlackMessage:
    called = isinstance(content, Notice) and content.kind is NoticeKind.HANDOFF_CALL
    owed = Outbound(
        id=DeliveryId("c1.7"),
        thread=ThreadKey(f"T0123456789:{channel}:1772366400.000100"),
        content=content,
        owed_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        place="C9876543210" if called else "",
    )
    return to_slack(owed, features)


@pytest.mark.parametrize("name", ALL)
def test_it_looks_as_recorded(name: str) -> None:
    looks = json.loads(msgspec.json.encode(shown(*ALL[name])))
    file = SNAPSHOTS / f"{name}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(json.dumps(looks, indent=2, ensure_ascii=False) + "\n")
    assert looks == json.loads(file.read_text())


@pytest.mark.parametrize("name", ALL)
def test_it_keeps_every_limit(name: str) -> None:
    message = shown(*ALL[name])
    assert limits.violations(message.text, message.blocks) == []


def test_every_record_has_its_case() -> None:
    assert {file.stem for file in SNAPSHOTS.glob("*.json")} == set(ALL)


def test_every_kind_of_notice_can_be_shown() -> None:
    for kind in NoticeKind:
        assert shown(Notice(kind), Features()).text


@pytest.mark.parametrize("control", Control)
def test_every_control_has_a_button_that_says_which_delivery_it_is_of(control: Control) -> None:
    _, actions = shown(Notice(NoticeKind.HANDOFF_WAITING, controls=(control,)), Features()).blocks
    (button,) = actions["elements"]
    value = ids.decode_button(button["value"])
    assert ids.control_of(button["action_id"]) is control
    assert value == ids.ButtonValue("c1.7", "T0123456789")


def test_a_thread_whose_workspace_is_not_known_is_named_by_its_channel() -> None:
    call = CALLS_FOR_HELP["call_to_a_group"]
    for address in ("", "javascript:x"):
        said = shown(call, Features(address=address)).text
        assert said.endswith("Their thread is in <#C0123456789>.")


def test_helpers_are_not_sent_to_a_direct_message_that_they_cannot_see() -> None:
    call = CALLS_FOR_HELP["call_to_a_group"]
    said = shown(call, Features(address="https://simulated.slack.com/"), channel="D1").text
    assert "https" not in said
    assert "write to them" in said


def test_a_message_knows_whether_it_holds_pictures() -> None:
    assert shown(CASES["picture"], Features()).pictured
    assert shown(CASES["links"], Features()).pictured
    assert not shown(CASES["links"], Features(pictures=False)).pictured
    assert not shown(CASES["plain"], Features()).pictured
