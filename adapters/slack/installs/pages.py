"""How does somebody install the app in their workspace? Two pages: there, and back again.

OAuth 2 as Slack has it (docs.slack.dev/authentication/installing-with-oauth). A code is good for
one use and ten minutes; what comes back is kept before the page says that it was done.
"""

import html
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.installs import needs
from adapters.slack.installs.installations import Installation, Installations, installed
from adapters.slack.installs.manifest import REDIRECT_PATH
from adapters.slack.installs.states import LIFE, is_good, new_state
from adapters.slack.logs import LOG
from adapters.slack.settings import SlackSettings
from adapters.slack.web.answers import Refusal, asked
from adapters.slack.web.calls import oauth_access
from bridge.clock import Ids
from bridge.errors import DatabaseFailed, Unreachable
from bridge.plugin import Host

_COOKIE = "polyai_bridge_install"


class InstallPages:
    """The pages, at `/<name of the adapter>/install` and `…/oauth_redirect`."""

    def __init__(
        self,
        settings: SlackSettings,
        host: Host,
        web_without_token: AsyncWebClient,
        installations: Installations,
        ids: Ids,
    ) -> None:
        self._settings = settings
        self._host = host
        self._web = web_without_token
        self._installations = installations
        self._ids = ids
        self._secret = settings.client_secret.get_secret_value()
        self._back = f"{settings.public_url}/{host.name}{REDIRECT_PATH}"

    async def leave(self, _request: web.Request) -> web.Response:
        """Send the browser to Slack, with a note to come back with."""
        state = new_state(self._secret, self._ids.new(), self._host.clock.now())
        asked_for = {
            "client_id": self._settings.client_id,
            "scope": ",".join(need.name for need in needs.scopes(self._settings)),
            "redirect_uri": self._back,
            "state": state,
        }
        address = f"{authorize_page(self._settings.api_url)}?{urlencode(asked_for)}"
        response = web.Response(status=302, headers={"Location": address})
        response.set_cookie(
            _COOKIE,
            state,
            max_age=int(LIFE.total_seconds()),
            httponly=True,
            secure=self._back.startswith("https://"),
            samesite="Lax",  # Slack leads back here by a link
        )
        return response

    async def come_back(self, request: web.Request) -> web.Response:
        """Take the code, keep what it is exchanged for, and say so."""
        state, cookie = request.query.get("state", ""), request.cookies.get(_COOKIE, "")
        if not is_good(state, cookie, self._secret, self._host.clock.now()):
            return _page(400, "This link has expired", "Please start the installation again.")
        code = request.query.get("code", "")
        if not code:
            return _page(200, "Nothing was installed", "You can close this page.")
        try:
            installation = await self._exchanged(code)
            if not self._settings.admission.workspaces.admits(installation.team):
                return _page(403, "Not here", "This workspace may not use the app.")
            await self._installations.add(installation)
        except (Refusal, Unreachable, DatabaseFailed) as error:
            LOG.warning("slack.not_installed", extra={"reason": str(error)})
            return _page(502, "That did not work", "Please start the installation again.")
        LOG.info("slack.installed", extra={"team": installation.team or installation.organisation})
        where = installation.team_name or "your workspace"
        return _page(200, "Installed", f"The app is in {where}. Mention it in any channel.")

    async def _exchanged(self, code: str) -> Installation:
        answer = await oauth_access(
            self._web, self._settings.client_id, self._secret, code=code, redirect_uri=self._back
        )
        given = installed(answer, self._host.clock.now())
        who = await asked(self._web.auth_test(token=given.token))
        told = {name: value for name, value in who.items() if isinstance(value, str)}
        return msgspec.structs.replace(
            given,
            bot=told.get("bot_id", ""),
            name=told.get("user", ""),
            address=told.get("url", ""),
        )


def authorize_page(api_url: str) -> str:
    """Slack's page of permissions, beside the Web API."""
    scheme, place, path, _, _ = urlsplit(api_url)
    above = path.rstrip("/").rpartition("/")[0]
    return urlunsplit((scheme, place, f"{above}/oauth/v2/authorize", "", ""))


def _page(status: int, title: str, words: str) -> web.Response:
    said = (html.escape(title), html.escape(title), html.escape(words))
    text = "<!doctype html><meta charset=utf-8><title>{}</title><h1>{}</h1><p>{}</p>".format(*said)
    response = web.Response(status=status, text=text, content_type="text/html")
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"  # the address holds the code
    response.del_cookie(_COOKIE)
    return response
