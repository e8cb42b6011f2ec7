"""How is it posted and changed? One request each, through the conversation's own service.

The connector has no key to repeat a post by, and reading messages back needs rights of Microsoft
Graph that a bot does not have, so there is no `find`: a post without an answer stays in doubt.
Changing a message is a PUT of all of it, and may be repeated.
"""

import json
from datetime import timedelta
from typing import Any

import aiohttp

from adapters.teams import to_teams
from adapters.teams.answers import Answer, exchanged, trouble
from adapters.teams.login import Login
from adapters.teams.services import Services, activities
from bridge.errors import MaybeDelivered, Rejected, RetryLater
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ThreadKey
from bridge.plugin import Signal, SignalKind

#: What is sent again, because it may be: no sooner than this.
_AGAIN = timedelta(seconds=2)

#: What a message is, as a receipt has it before the message's id.
_CARD, _TEXT = "card", "text"


class TeamsClient:
    """The connected adapter."""

    def __init__(self, services: Services, login: Login, http: aiohttp.ClientSession) -> None:
        self._services, self._login, self._http = services, login, http

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Post it in its thread."""
        url = activities(await self._services.of(outbound.thread), outbound.thread)
        said = to_teams.shown(outbound)
        told = (await self._call("POST", url, said)).body.get("id")
        if not isinstance(told, str) or not told.isprintable():
            return Receipt("")  # it stands there all the same, and cannot be changed
        return Receipt(f"{_CARD if 'attachments' in said else _TEXT} {told}")

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Make the message at `receipt` show it. What is a card stays one."""
        form, _, name = receipt.reference.partition(" ")
        if not name:
            raise Rejected("Teams never said how the message is called")
        service = await self._services.of(outbound.thread)
        url = activities(service, outbound.thread, name)
        said = to_teams.shown(outbound, card=form == _CARD) | {"id": name}
        try:
            await self._call("PUT", url, said)
        except MaybeDelivered as unknown:
            raise RetryLater(unknown.message, after=_AGAIN) from None

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Show the dots; they go by themselves."""
        if signal.kind is not SignalKind.CLEAR:
            url = activities(await self._services.of(thread), thread)
            await self._call("POST", url, to_teams.typing())

    async def _call(self, method: str, url: str, body: dict[str, Any]) -> Answer:
        who = await self._login.header()
        headers = {"Content-Type": "application/json; charset=utf-8", **who}
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        answer = await exchanged(self._http, method, url, headers=headers, data=data)
        if answer.good:
            self._login.taken(who)
            return answer
        if answer.status == 401 and self._login.refused(who):
            # It may only have been withdrawn: another is asked for, and has to be good at once.
            raise RetryLater("Teams refuses the token that it took before", after=_AGAIN)
        raise trouble(answer, repeatable=method == "PUT")
