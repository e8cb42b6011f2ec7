"""What a link to a Teams message points at."""

import pytest

from adapters.teams.links import pointed
from bridge.plugin import Pointer

HOST = "https://teams.microsoft.com"


def test_a_reply_in_a_channel_is_named_with_its_thread() -> None:
    link = f"{HOST}/l/message/19:abc%40thread.tacv2/1700000000123?tenantId=t&parentMessageId=169"

    assert pointed(link) == Pointer(
        identity="19:abc@thread.tacv2;messageid=169/1700000000123",
        receipt="* 1700000000123",
        thread="19:abc@thread.tacv2;messageid=169",
    )


def test_a_chat_has_no_parent() -> None:
    found = pointed(f"{HOST}/l/message/19:abc@thread.v2/1700000000123?context=%7B%7D")

    assert found is not None
    assert found.thread == "19:abc@thread.v2"


@pytest.mark.parametrize(
    "link",
    ["", HOST, f"{HOST}/l/channel/19:abc/General", f"{HOST}/l/message/19:abc/x", "https://["],
)
def test_what_is_no_link_to_a_message_is_none(link: str) -> None:
    assert pointed(link) is None
