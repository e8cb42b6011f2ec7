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

from adapters.slack import limits
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
CALLS = (CallAction("Call us", "+44 (0)20 7946 0000"), CallAction("Ask", "the operator"))
OFFER = AgentReply(AGENT, "Shall I?", suggestions=SUGGESTIONS)

CASES: dict[str, Content] = {
    "plain": AgentReply(AGENT, "Hello, how can I help?"),
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
    "notice_ended": Notice(NoticeKind.ENDED, {"reason": "REASON_USER_END"}, control=Control.START),
    "notice_waiting": Notice(
        NoticeKind.HANDOFF_WAITING, {"queue": "Sales & <!here>", "position": "2"}
    ),
    "notice_not_delivered": Notice(NoticeKind.NOT_DELIVERED, {"text": "<@U0123456789> hello"}),
}
PLAINER: dict[str, tuple[Content, Features]] = {
    "live_agent_without_scope": (CASES["live_agent"], Features(authorship=False)),
    "picture_as_link": (CASES["picture"], Features(pictures=False)),
    "links_without_pictures": (CASES["links"], Features(pictures=False)),
}
ALL = {name: (content, Features()) for name, content in CASES.items()} | PLAINER


def shown(content: Content, features: Features) -> SlackMessage:
    owed = Outbound(
        id=DeliveryId("c1.7"),
        thread=ThreadKey("T0123456789:C0123456789:1772366400.000100"),
        content=content,
        owed_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
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


def test_a_message_knows_whether_it_holds_pictures() -> None:
    assert shown(CASES["picture"], Features()).pictured
    assert shown(CASES["links"], Features()).pictured
    assert not shown(CASES["links"], Features(pictures=False)).pictured
    assert not shown(CASES["plain"], Features()).pictured
