"""Who calls us? Only whoever brings a token that Microsoft signed for this app and this service.

The seven demands of learn.microsoft.com/azure/bot-service/rest-api/
bot-framework-rest-connector-authentication, "Connector to Bot", step 4. Not by the SDK's validator:
its keys come from fixed addresses, on threads, as often as anybody makes up a key's name, and it
looks neither at the service nor at the endorsements (decision 26).
"""

from dataclasses import dataclass
from typing import Any

import jwt

from adapters.teams.keys import Key, Keys
from bridge.clock import Clock

#: How far Microsoft's clock and ours may differ, seconds; their own figure.
_SKEW = 300
#: The longest token that is looked at; theirs have about 2,000 characters.
_LONGEST = 8_000


class Stranger(Exception):
    """Whoever called did not prove to be Microsoft: 401."""


class Misled(Exception):
    """The token is Microsoft's, but says something else than the activity: 403.

    Or both name a service that is not to be trusted: then it is `untrusted`.
    """

    def __init__(self, *, untrusted: bool = False) -> None:
        super().__init__()
        self.untrusted = untrusted


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says."""

    service: str
    key: Key


class Doorkeeper:
    """Looks at the token of every request."""

    def __init__(self, keys: Keys, clock: Clock, *, issuer: str, audience: str) -> None:
        self._keys, self._clock = keys, clock
        self._issuer, self._audience = issuer, audience

    async def admit(self, authorization: str) -> Claims:
        """What the token in this header claims.

        Raises:
            Stranger: there is none, or it is not good.
            Unreachable: there are no keys to look at it by.
        """
        scheme, _, token = authorization.partition(" ")
        fit = 0 < len(token) <= _LONGEST and token.isascii()
        if scheme.lower() != "bearer" or not fit:
            raise Stranger
        try:
            key = await self._keys.of(str(jwt.get_unverified_header(token).get("kid") or ""))
            if key is None:
                raise Stranger
            claims = jwt.decode(
                token,
                key.public,
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuer,
                # The times are looked at below, by the clock that we were lent.
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            raise Stranger from None
        self._in_time(claims)
        service = claims.get("serviceurl") or claims.get("serviceUrl")
        return Claims(service if isinstance(service, str) else "", key)

    def _in_time(self, claims: dict[str, Any]) -> None:
        now, ends, begins = self._clock.now().timestamp(), claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            raise Stranger
        if now > ends + _SKEW or now < begins - _SKEW:
            raise Stranger


def agree(claims: Claims, *, service: str, channel: str) -> None:
    """The activity comes from where the token says.

    Raises:
        Misled: it does not.
    """
    if not service or claims.service.rstrip("/") != service.rstrip("/"):
        raise Misled
    if not claims.key.signs_for(channel):
        raise Misled
