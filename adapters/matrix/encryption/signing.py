"""Who vouches for a key? Signed JSON and the keys of devices; pure.

By the specification: appendices, "Signing JSON"; client-server API, "Device keys".
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import vodozemac

from bridge.model.value import Value

OLM, MEGOLM = "m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"
#: The kind of key that is claimed once, and signed by its device.
ONE_TIME = "signed_curve25519"


class Device(Value, frozen=True):
    """One device of a user: its name, and its keys for agreeing (`curve`) and signing (`ed`)."""

    user: str
    id: str
    curve: str
    ed: str


def canonical(value: object) -> bytes:
    """The one form of a JSON value that is signed."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def signed(
    account: vodozemac.Account, user: str, device: str, told: Mapping[str, Any]
) -> dict[str, Any]:
    """The same with our device's signature."""
    signature = account.sign(canonical(told)).to_base64()
    return {**told, "signatures": {user: {f"ed25519:{device}": signature}}}


def vouched(told: Mapping[str, Any], device: Device) -> bool:
    """Whether `device` signed it."""
    plain = {k: v for k, v in told.items() if k not in {"signatures", "unsigned"}}
    theirs = mapping(mapping(told.get("signatures")).get(device.user))
    try:
        key = vodozemac.Ed25519PublicKey.from_base64(device.ed)
        signature = vodozemac.Ed25519Signature.from_base64(str(theirs.get(f"ed25519:{device.id}")))
        key.verify_signature(canonical(plain), signature)
    except ValueError:
        return False
    return True


def device_in(user: str, identity: str, told: object) -> Device | None:
    """The device that an answer to a query describes; None if it is not what it says."""
    described = mapping(told)
    if (described.get("user_id"), described.get("device_id")) != (user, identity):
        return None
    keys = mapping(described.get("keys"))
    curve, ed = keys.get(f"curve25519:{identity}"), keys.get(f"ed25519:{identity}")
    if not isinstance(curve, str) or not isinstance(ed, str):
        return None
    device = Device(user, identity, curve, ed)
    return device if vouched(described, device) else None


def one_time_key_in(told: object, device: Device) -> str | None:
    """The claimed key of a device, if the device itself made it."""
    for name, key in mapping(told).items():
        described = mapping(key)
        if name.startswith(f"{ONE_TIME}:") and vouched(described, device):
            found = described.get("key")
            return found if isinstance(found, str) else None
    return None


def unpadded(raw: bytes) -> str:
    """Base64 as Matrix writes it."""
    return base64.b64encode(raw).decode().rstrip("=")


def padded(text: str) -> bytes:
    """What such base64 stands for; raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4))


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
