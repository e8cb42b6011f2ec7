"""What does an integrator's tool read? Both directions as one OpenAPI 3.1 document.

Its schemas are made from the shapes that requests are read by and callbacks are written from, so
it cannot say anything else than the code does.
"""

import json
from typing import Any

import msgspec

from adapters.webhook import outbound, told
from adapters.webhook.callback import IDEMPOTENCY_KEY
from adapters.webhook.door import MESSAGES_PATH
from adapters.webhook.settings import WebhookSettings
from bridge.model.ids import AdapterName
from bridge.plugin import Accepted
from bridge.plugin.signing import SIGNATURE, TIMESTAMP

_SCHEMAS = "#/components/schemas/"
_DESCRIPTION = """\
Tell the bridge what people do by `POST`; it tells your system what to show by callbacks.
Every request of either side is signed: `X-Bridge-Timestamp` holds the seconds since 1970, and
`X-Bridge-Signature` is `v1=` and the hexadecimal HMAC-SHA256 of `v1:<timestamp>:<body>` by the
secret that both sides have. A request that is not signed just now is refused with 401."""


def openapi(settings: WebhookSettings, name: AdapterName) -> str:
    """The document for the adapter of this name, as JSON."""
    del settings  # nothing in it is a secret of theirs, nor differs by them
    return json.dumps(document(name), indent=2) + "\n"


def document(name: AdapterName) -> dict[str, Any]:
    """The document for the adapter of this name."""
    (message, callback, _), schemas = msgspec.json.schema_components(
        [told.Message, outbound.Callback, outbound.Taken], ref_template=_SCHEMAS + "{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "PolyAI bridge: webhook",
            "version": "1",
            "description": _DESCRIPTION,
        },
        "servers": [{"url": "https://bridge.example", "description": "the bridge's listener"}],
        "security": [{"timestamp": [], "signature": []}],
        "paths": {f"/{name}{MESSAGES_PATH}": {"post": _telling()}},
        "webhooks": {"callback": {"post": _told()}},
        "components": {
            "securitySchemes": {
                "timestamp": {"type": "apiKey", "in": "header", "name": TIMESTAMP},
                "signature": {"type": "apiKey", "in": "header", "name": SIGNATURE},
            },
            "schemas": {
                **schemas,
                "Message": _one_of(message),
                "Callback": _one_of(callback),
                "Accepted": _ACCEPTED,
                "Refused": _REFUSED,
            },
        },
    }


_ACCEPTED = {
    "type": "object",
    "description": "The bridge has it, durably: it need not be told again.",
    "properties": {
        "accepted": {
            "enum": [each.value for each in Accepted],
            "description": "`known`: the same `id` was told before. `ignored`: it belongs to no "
            "conversation, and may not begin one.",
        }
    },
    "required": ["accepted"],
    "additionalProperties": False,
}
_REFUSED = {
    "type": "object",
    "description": "Nothing was taken.",
    "properties": {
        "error": {"type": "string", "description": "what is wrong"},
        "remedy": {"type": "string", "description": "what to do about it"},
    },
    "required": ["error", "remedy"],
    "additionalProperties": False,
}


def _telling() -> dict[str, Any]:
    again = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return {
        "operationId": "tell",
        "summary": "Tell the bridge what a person did",
        "requestBody": _json("Message", required=True),
        "responses": {
            "200": {"description": "It is stored.", **_json("Accepted")},
            "400": {"description": "It cannot be read; the error names the place.", **_either()},
            "401": {"description": "It is not signed as it should be.", **_json("Refused")},
            "408": {"description": "The body did not come in time.", **_plain()},
            "413": {"description": "It is too large.", **_either()},
            "415": {"description": "It is not said to be JSON.", **_json("Refused")},
            "503": {
                "description": "It could not be stored, or the bridge is not ready: send it again.",
                "headers": again,
                **_either(),
            },
        },
    }


def _told() -> dict[str, Any]:
    return {
        "operationId": "told",
        "summary": "Your system is told what to show",
        "description": f"Sent to `callback_url`. `{IDEMPOTENCY_KEY}` is the same whenever the same "
        "message is told again: show it once.",
        "parameters": [
            {
                "name": IDEMPOTENCY_KEY,
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
            }
        ],
        "requestBody": _json("Callback", required=True),
        "responses": {
            "200": {
                "description": "It is shown. Any other 2xx means the same.",
                **_json("Taken"),
            },
            "401": {"description": "The signature is wrong: kept, and told again each minute."},
            "409": {"description": "It was told before, and is shown: as good as 200."},
            "410": {"description": "The thread is gone: its conversation is over."},
            "429": {"description": "Too many: told again after `Retry-After`."},
            "4XX": {"description": "Refused for good: it is given up, visibly."},
            "503": {"description": "With `Retry-After`: not shown, and told again after it."},
            "5XX": {"description": "Nobody knows whether it is shown: told again if keys count."},
        },
    }


def _json(name: str, *, required: bool = False) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": {"$ref": _SCHEMAS + name}}}}
    return {"required": True, **content} if required else content


def _plain() -> dict[str, Any]:
    return {"content": {"text/plain": {"schema": {"type": "string"}}}}


def _either() -> dict[str, Any]:
    """Ours, or the listener's own words where it never came to us."""
    return {"content": {**_json("Refused")["content"], **_plain()["content"]}}


def _one_of(union: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's discriminator stands beside oneOf; a tag makes one of any."""
    return {"oneOf": union["anyOf"], "discriminator": union["discriminator"]}
