"""Are the connections still of use? Looked at every few seconds; each trouble is said once when it
begins and once when it ends.

What is looked for: none is there, fewer than wanted, one that is silent, one that is passed over,
and all of them deaf.
"""

from datetime import timedelta

from adapters.slack.doors.canary import Shares, Suspicion
from adapters.slack.doors.hearing import Hearing
from adapters.slack.doors.sockets import DEAF, SILENT, Link, Sockets, needs_a_person
from adapters.slack.logs import LOG
from bridge.plugin import Host

#: How often we look.
LOOK = timedelta(seconds=2)

# A renewal takes a moment and is not worth a word.
_LOOKS_TO_LOSE = 2
_LOOKS_TO_MISS_ONE = 15
#: Slack pings at least twice a minute; three of them are not missed by chance. Looks are counted
#: and not seconds: after a sleep of the machine nobody is to blame.
_LOOKS_OF_SILENCE = 45

_LOST = "the connection to Slack is lost"
_DEAF = (
    "Slack sends no events though it holds our connections "
    "(look at the app's event subscriptions, and for another process with its token)"
)


async def watch(sockets: Sockets, hearing: Hearing, host: Host) -> None:
    """Look after the connections, for ever."""
    eyes = Watch(sockets, hearing, host)
    while True:
        await host.clock.sleep(LOOK)
        try:
            eyes.look()
            await hearing.remember()
        except Exception as error:  # nobody else would notice that nobody looks any more
            LOG.exception("slack.surprise", extra={"error": type(error).__name__})


class Watch:
    """What was seen so far."""

    def __init__(self, sockets: Sockets, hearing: Hearing, host: Host) -> None:
        self._sockets = sockets
        self._hearing = hearing
        self._host = host
        self._shares = Shares()
        self._quiet: dict[Link, int] = {}
        self._away = self._short = 0
        self._reported = ""

    def look(self) -> None:
        """Look once."""
        self._renew_the_silent()
        self._renew_the_passed_over()
        if self._sockets.listening:
            self._hearing.listening()
        self._listen()
        self._count()
        self._report()

    def _renew_the_silent(self) -> None:
        self._quiet = {
            link: 0 if link.signs() else self._quiet.get(link, 0) + 1
            for link in self._sockets.links
        }
        for link, looks in self._quiet.items():
            if looks == _LOOKS_OF_SILENCE and link.listening:
                LOG.warning("slack.socket_silent")
                link.replace(SILENT)

    def _renew_the_passed_over(self) -> None:
        for link in self._shares.passed_over(self._sockets.links, self._host.clock.now()):
            if not link.over.is_set():
                LOG.info("slack.socket_passed_over")
                link.replace(DEAF)

    def _listen(self) -> None:
        """Judge by our own posts; they may be anywhere if others take events, or nobody does."""
        if self._sockets.shared or not self._sockets.listening:
            self._hearing.excuse()
        elif self._hearing.judge() is not Suspicion.NONE:
            self._sockets.renew(DEAF)

    def _count(self) -> None:
        """Say that some are missing, while others still listen."""
        short = 0 < self._sockets.listening < self._sockets.wanted
        if not short:
            if self._short >= _LOOKS_TO_MISS_ONE:
                LOG.info("slack.sockets_complete", extra={"wanted": self._sockets.wanted})
            self._short = 0
            return
        self._short += 1
        if self._short == _LOOKS_TO_MISS_ONE:
            counted = {"listening": self._sockets.listening, "wanted": self._sockets.wanted}
            told = {**counted, "error": str(self._sockets.trouble or "")}
            LOG.warning("slack.sockets_missing", extra=told)

    def _report(self) -> None:
        """Say how the connection stands, if that has changed."""
        self._away = 0 if self._sockets.listening else self._away + 1
        if 0 < self._away < _LOOKS_TO_LOSE:
            return
        trouble = self._trouble()
        if trouble == self._reported:
            return
        # A trouble that passes by itself takes nothing back of one that a person must end.
        if trouble == _LOST and self._reported not in {"", _DEAF}:
            return
        self._reported = trouble
        self._host.report(connected=not trouble, detail=trouble or "connected again")

    def _trouble(self) -> str:
        if self._away:
            error = self._sockets.trouble
            return str(error) if needs_a_person(error) else _LOST
        return _DEAF if self._hearing.deaf else self._hearing.speechless or ""
