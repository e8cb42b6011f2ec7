"""By what do all calls leave? One HTTP session for everybody who speaks to the outside."""

import aiohttp


def http_session() -> aiohttp.ClientSession:
    """What all calls and sockets go by. It keeps no cookies: they would go to other workspaces.

    Nor has it a limit: calls that one platform leaves unanswered would use it up for all others.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )
