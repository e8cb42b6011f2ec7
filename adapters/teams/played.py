"""Who plays Microsoft? A login, announced keys and a connector service, really served on loopback.

It signs what it sends as Microsoft does (RS256, with a key made at its start), gives tokens for the
right secret only, and takes nothing without one of them.
"""

import asyncio
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from bridge.clock import Clock, Ids

APP_ID: Final = "11111111-2222-3333-4444-555555555555"
TENANT: Final = "contoso.example"
PASSWORD: Final = "the-secret-of-the-app"  # noqa: S105 - opens nothing
ISSUER: Final = "https://api.botframework.com"
#: How long a token of ours is good for, seconds.
_LIVES = 3600

Message = dict[str, Any]


@cache
def _first_key() -> rsa.RSAPrivateKey:
    """One for all that are played in this process: to make one takes longer than most else."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class PlayedMicrosoft:
    """The servers; `conversations` hold what people see, by conversation and message."""

    def __init__(self, clock: Clock, ids: Ids, number: Callable[[], str]) -> None:
        """`number` gives the next message's id."""
        self._clock, self._ids, self._number = clock, ids, number
        self._key = _first_key()
        self._key_name = ids.new()
        self._tokens: set[str] = set()
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._over = asyncio.Event()
        self.conversations: dict[str, dict[str, Message]] = {}
        self.fault = ""  #: what the next post meets, as `bridge.testing.stand_in.Fault` words it
        self.requests: list[tuple[str, str]] = []  #: method and kind of activity
        self.keys_asked = 0  #: how often the keys were asked for

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def service(self) -> str:
        """The address of the connector, as activities name it."""
        return f"{self.address}/emea/"

    async def open(self) -> None:
        """Serve, on the same port as before if there was one."""
        application = web.Application()
        application.router.add_post("/{tenant}/oauth2/v2.0/token", self._login)
        application.router.add_get("/openid", self._metadata)
        application.router.add_get("/keys", self._keys)
        base = "/emea/v3/conversations/{conversation}/activities"
        application.router.add_post(base, self._post)
        application.router.add_put(base + "/{message}", self._put)
        self._over.clear()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Serve no more: connections are refused."""
        self._over.set()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def signed(self, **claims: Any) -> str:  # noqa: ANN401 - whatever a token may claim
        """A token for the app, with these claims in place of the usual ones."""
        now = int(self._clock.now().timestamp())
        usual = {
            "iss": ISSUER,
            "aud": APP_ID,
            "serviceurl": self.service,
            "nbf": now,
            "exp": now + _LIVES,
        }
        return jwt.encode(
            usual | claims, self._key, algorithm="RS256", headers={"kid": self._key_name}
        )

    def renew_key(self) -> None:
        """Sign with another key from now on."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_name = self._ids.new()

    def revoke(self) -> None:
        """Take no token given so far."""
        self._tokens.clear()

    # -- what is asked of Microsoft ---------------------------------------------------------------

    async def _login(self, request: web.Request) -> web.Response:
        form = await request.post()
        known = (
            request.match_info["tenant"] == TENANT
            and form.get("client_id") == APP_ID
            and form.get("client_secret") == PASSWORD
            and form.get("scope") == f"{ISSUER}/.default"
            and form.get("grant_type") == "client_credentials"
        )
        if not known:
            return web.json_response({"error": "invalid_client"}, status=401)
        token = self._ids.new()
        self._tokens.add(token)
        return web.json_response(
            {"token_type": "Bearer", "expires_in": _LIVES, "access_token": token}
        )

    async def _metadata(self, _request: web.Request) -> web.Response:
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.address}/keys"})

    async def _keys(self, _request: web.Request) -> web.Response:
        self.keys_asked += 1
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        announced = {**public, "kid": self._key_name, "use": "sig", "endorsements": ["msteams"]}
        return web.json_response({"keys": [announced]})

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refusal(request):
            return refusal
        said: Message = await request.json()
        self.requests.append(("POST", str(said.get("type"))))
        if said.get("type") != "message":
            return web.json_response({"id": self._number()}, status=201)
        fault, self.fault = self.fault, ""
        if fault not in {"", "lost_answer"}:
            return await self._faulty(request, fault)
        name = self._number()
        there = self.conversations.setdefault(request.match_info["conversation"], {})
        there[name] = said | {"ours": True}
        if fault:
            return _broken(request)
        return web.json_response({"id": name}, status=201)

    async def _put(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refusal(request):
            return refusal
        said: Message = await request.json()
        self.requests.append(("PUT", str(said.get("type"))))
        there = self.conversations.get(request.match_info["conversation"], {})
        name = request.match_info["message"]
        if name not in there:
            return _error(404, "ActivityNotFoundInConversation")
        there[name] = said | {"ours": True}
        return web.json_response({"id": name})

    def _refusal(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._tokens:
            return web.json_response({"message": "Authorization has been denied."}, status=401)
        if request.match_info["conversation"] not in self.conversations:
            return _error(404, "ConversationNotFound")
        return None

    async def _faulty(self, request: web.Request, fault: str) -> web.StreamResponse:
        match fault:
            case "rate_limited":
                body = json.dumps({"error": {"code": "TooManyRequests"}})
                return web.Response(status=429, text=body, headers={"Retry-After": "1"})
            case "refused":
                return _error(413, "MessageSizeTooBig")
            case "silent":
                await self._over.wait()
        return _broken(request)


def _broken(request: web.Request) -> web.Response:
    """The connection breaks; nobody reads what is returned."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": "so it is"}}, status=status)
