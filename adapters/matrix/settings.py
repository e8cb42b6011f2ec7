"""What an operator configures of one Matrix account."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, field_validator

from bridge.plugin.settings import Address

_SERVER = r"[A-Za-z0-9.\-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?"
#: A server name or a user id (specification, appendices, "Server Name", "User Identifiers").
_INVITER = re.compile(rf"(?:@[^:\s]+:)?(?:{_SERVER})")
#: Words that stand for many: the bot's own server, and everybody.
OWN, ANYONE = "own", "anyone"


def read_inviters(value: object) -> tuple[str, ...]:
    """Servers, people and words; a variable gives them with commas between.

    Raises:
        ValueError: it is no list, or one of it is neither.
    """
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        # pydantic tells people of a ValueError, and lets a TypeError pass.
        raise ValueError('is not a list; write it like ["own"]')  # noqa: TRY004 - see above
    found = [each.strip() if isinstance(each, str) else "" for each in listed]
    for place, each in enumerate(found, start=1):
        if not _INVITER.fullmatch(each):
            raise ValueError(
                f'entry {place} is neither a server, such as "example.org", nor a person, such as '
                f'"@ann:example.org", nor "{OWN}" or "{ANYONE}"'
            )
    return tuple(dict.fromkeys(found))


class MatrixSettings(BaseModel):
    """One account: where it is, and whom it may follow into a room."""

    # An invalid token must not be quoted in the message that refuses it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["matrix"] = "matrix"
    #: Where the homeserver's client-server API is, without a path.
    homeserver: Address
    #: The bot's access token: reads and posts as it.
    access_token: SecretStr
    #: Whose invitations are accepted: servers, people, "own" (the bot's server) or "anyone".
    invites: Annotated[tuple[str, ...], BeforeValidator(read_inviters)] = (OWN,)
    #: Whether encrypted rooms are read and written, if the extra is there; else they are refused.
    encrypted_rooms: bool = False

    @field_validator("homeserver")
    @classmethod
    def _open(cls, value: str) -> str:
        return value.rstrip("/")  # paths are joined to it

    @field_validator("access_token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("is not an access token; docs/matrix.md says how to get one")
        return value

    def admits(self, inviter: str, own_server: str) -> bool:
        """Whether an invitation by the user `inviter` is accepted."""
        _, _, server = inviter.partition(":")
        local = OWN in self.invites and server == own_server
        return local or bool({ANYONE, inviter, server} & set(self.invites))
