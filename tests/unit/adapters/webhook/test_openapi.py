"""Does the document for integrators say what the code does?"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import schemathesis

from adapters.webhook import PLUGIN, outbound, told
from adapters.webhook.openapi import document
from adapters.webhook.settings import WebhookSettings
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import AdapterName, DeliveryId, ThreadKey
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
    Suggestion,
)
from bridge.model.signal import Signal, SignalKind
from bridge.plugin import Accepted
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON

ROOT = Path(__file__).parents[4]
DOCUMENT = document(AdapterName("webhook"))
SETTINGS = WebhookSettings.model_validate({"secret": "s" * 32, "callback_url": "https://x.example"})

REPLY = AgentReply(
    Author(AuthorKind.LIVE_AGENT, "Sam", "https://x.example/sam.png"),
    "Hello",
    attachments=tuple(
        Attachment(kind, "https://x.example/", "T", "https://x.example/", "Go")
        for kind in AttachmentKind
    ),
    suggestions=(Suggestion("Yes"),),
    call_actions=(CallAction("Us", "+44"),),
    chosen=Choice("Yes", ANN),
)
BARE = AgentReply(Author(AuthorKind.AGENT), attachments=(Attachment(AttachmentKind.LINK),))


def fits(body: bytes, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(json.loads(body))


def outbound_of(content: Content, place: str = "") -> Outbound:
    return Outbound(
        id=DeliveryId("c.1"), thread=ThreadKey("t"), content=content, owed_at=NOON, place=place
    )


def test_the_page_is_what_the_command_prints() -> None:
    printed = PLUGIN.documents["openapi"](SETTINGS, AdapterName("webhook"))
    assert (ROOT / "docs" / "webhook-openapi.json").read_text("utf-8") == printed


def test_it_is_a_valid_document_of_its_kind() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    assert DOCUMENT["openapi"] == "3.1.0"


def test_the_path_begins_with_the_name_of_the_adapter() -> None:
    assert list(document(AdapterName("crm"))["paths"]) == ["/crm/messages"]


def test_every_kind_that_is_read_is_in_it_and_no_other() -> None:
    mapping = DOCUMENT["components"]["schemas"]["Message"]["discriminator"]["mapping"]
    kinds = {shape.__struct_config__.tag for shape in told.Message.__args__}
    assert set(mapping) == kinds


def test_an_unknown_field_is_refused_by_the_document_too() -> None:
    end = {"kind": "end", "id": "1", "thread": "t", "person": {"id": "ann"}}
    fits(json.dumps(end).encode(), "Message")
    for wrong in ({**end, "extra": 1}, {**end, "person": {"id": "ann", "extra": 1}}):
        with pytest.raises(jsonschema.ValidationError):
            fits(json.dumps(wrong).encode(), "Message")


@pytest.mark.parametrize("content", [REPLY, BARE])
@pytest.mark.parametrize("place", ["", "SALES"])
def test_each_callback_fits_its_schema(content: Content, place: str) -> None:
    owed = outbound_of(content, place)
    fits(outbound.message(owed), "Callback")
    fits(outbound.change(owed, Receipt("r")), "Callback")


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_each_notice_fits_its_schema(kind: NoticeKind) -> None:
    fits(outbound.message(outbound_of(Notice(kind))), "Callback")


@pytest.mark.parametrize("kind", list(SignalKind))
def test_each_sign_of_life_fits_its_schema(kind: SignalKind) -> None:
    fits(outbound.sign_of_life(ThreadKey("t"), Signal(kind, "Sam")), "Callback")
    fits(outbound.ping(), "Callback")


def test_what_is_offered_can_be_asked_for() -> None:
    shown: Any = msgspec.json.schema_components([outbound.ShowsMessage])[1]
    offered = set(shown["ShowsMessage"]["properties"]["controls"]["items"]["enum"])
    taken = {shape.__struct_config__.tag for shape in told.Message.__args__}
    assert offered == {control.value for control in Control}
    assert offered <= taken


def test_every_answer_of_the_bridge_is_in_it() -> None:
    accepted = DOCUMENT["components"]["schemas"]["Accepted"]["properties"]["accepted"]["enum"]
    assert accepted == [each.value for each in Accepted]
