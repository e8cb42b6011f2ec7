"""What is wrong? What `/ready` says; log lines once when lost, once when back."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bridge import log
from bridge.model.ids import AdapterName, AgentName
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.watching.trouble import Dependency, Trouble

_log = log.get("status")


class State(enum.StrEnum):
    """How an adapter stands."""

    STARTING = "starting"  #: connecting for the first time
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"  #: it says so itself, and goes on
    RESTARTING = "restarting"  #: it failed, and is tried again
    REFUSED = "refused"  #: its platform refuses who we are; tried again every minute
    UNUSABLE = "unusable"  #: its plug-in cannot be used; tried again


@dataclass(frozen=True, slots=True)
class Standing:
    """How an adapter stands, and why if that is a trouble; `failures` are those in a row."""

    state: State
    trouble: str | None = None
    failures: int = 0

    def __str__(self) -> str:
        """The trouble, and what becomes of it."""
        if not self.failures:
            return self.trouble or self.state
        return f"{self.trouble} ({self.state}, attempt {self.failures + 1})"


class Side(enum.Enum):
    """What of an agent may be in trouble apart from the rest: each is told, and ends, by itself."""

    SESSIONS = enum.auto()  #: it gives none, or refuses who we are
    NETWORK = enum.auto()  #: its service does not answer at all
    SOCKETS = enum.auto()  #: those that are open do not, or none can be opened


#: An adapter that has arrived and said nothing else.
_WELL = True, ""


class Status:
    """The state of everything that can be away."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self._adapters: dict[AdapterName, Standing] = {}
        #: Those that are not connected, and what each has reported meanwhile.
        self._coming: dict[AdapterName, tuple[bool, str]] = {}
        self._refusing: dict[AdapterName, str] = {}
        self._agents: dict[tuple[AgentName, Side], str] = {}
        #: Their troubles without what changes every time.
        self._alike: dict[tuple[AgentName, Side], str] = {}
        self._database: str | None = None
        self._others: list[Callable[[], Iterable[Trouble]]] = []
        #: What was measured, for whoever wants to know how far it is to the next trouble.
        self.figures: Callable[[], dict[str, Any]] = dict

    def expected(self, name: AdapterName) -> None:
        """An adapter is going to be connected; until it is, we are not ready."""
        self._adapters.setdefault(name, Standing(State.STARTING, "not connected yet"))
        self._coming[name] = _WELL
        self.metrics.expected(name)

    def adapter(self, name: AdapterName, *, connected: bool, detail: str = "") -> None:
        """An adapter's connection changed."""
        if connected:
            standing = Standing(State.CONNECTED)
        else:
            standing = Standing(State.DISCONNECTED, detail or "not connected")
        if self._stands(name, standing) and connected:
            _log.info("adapter.connected", adapter=name, detail=detail)

    def arrived(self, name: AdapterName) -> None:
        """An adapter is connected: from here on it stands as it reports, and did on its way."""
        connected, detail = self._coming.pop(name, _WELL)
        self.adapter(name, connected=connected, detail=detail)

    def reported(self, name: AdapterName, *, connected: bool, detail: str) -> None:
        """An adapter says how its connection stands; as long as it is not connected, we know."""
        if name in self._coming:
            self._coming[name] = connected, detail
        else:
            self.adapter(name, connected=connected, detail=detail)

    def failed(self, name: AdapterName, state: State, trouble: str, failures: int) -> None:
        """An adapter failed for the `failures`-th time in a row, and is going to be tried again."""
        self.metrics.restarted(name)
        self._coming[name] = _WELL
        self._stands(name, Standing(state, trouble, failures))

    def _stands(self, name: AdapterName, standing: Standing) -> bool:
        """Whether that is news; the same trouble once more is none."""
        before, self._adapters[name] = self._adapters.get(name), standing
        if before is not None and before.trouble == standing.trouble:
            return False
        self.metrics.connected(name, connected=standing.trouble is None)
        if standing.trouble is not None:
            _log.warning(
                "adapter.disconnected", adapter=name, detail=standing.trouble, state=standing.state
            )
        return True

    @property
    def adapters(self) -> dict[AdapterName, Standing]:
        """How each adapter stands."""
        return dict(self._adapters)

    def refused(self, name: AdapterName, trouble: str | None) -> None:
        """An adapter's platform refuses deliveries (`trouble`), or takes them again (None)."""
        if self._refusing.get(name) == trouble:
            return
        if trouble is None:
            del self._refusing[name]
            _log.info("adapter.accepted", adapter=name)
        else:
            self._refusing[name] = trouble
            _log.error("adapter.refused", adapter=name, error=trouble)

    def agent(
        self,
        name: AgentName,
        trouble: str | None,
        *,
        side: Side = Side.SESSIONS,
        correlation_id: str | None = None,
    ) -> None:
        """One side of an agent fails or refuses (`trouble`), or is well again (None).

        The same trouble under another correlation id, which it may quote, is no news.
        """
        key = name, side
        if trouble is None:
            if self._agents.pop(key, None) is not None:
                del self._alike[key]
                if not self._of_agent(name):
                    _log.info("agent.available", agent=name)
            return
        alike = trouble.replace(correlation_id, "") if correlation_id else trouble
        if self._alike.get(key) != alike:
            _log.error(
                "agent.unavailable", agent=name, error=trouble, correlation_id=correlation_id
            )
        self._agents[key], self._alike[key] = trouble, alike

    def ails(self, name: AgentName, side: Side) -> bool:
        """Whether that side of the agent is in trouble."""
        return (name, side) in self._agents

    def _of_agent(self, name: AgentName) -> list[str]:
        return [why for (whose, _), why in self._agents.items() if whose == name]

    def database(self, trouble: str | None) -> None:
        """The database fails (`trouble`), or works again (None)."""
        before, self._database = self._database, trouble
        if trouble is not None and before is None:
            _log.error("database.failing", error=trouble)
        elif trouble is None and before is not None:
            _log.info("database.working")

    def look_also(self, read: Callable[[], Iterable[Trouble]]) -> None:
        """`read` gives further troubles, as they are at that moment; it must cost nothing."""
        self._others.append(read)

    @property
    def troubles(self) -> list[Trouble]:
        """Why we are not ready; empty if we are."""
        database = [Trouble(Dependency.DATABASE, "", self._database)] if self._database else []
        adapters = [
            Trouble(Dependency.ADAPTER, name, str(how))
            for name, how in self._adapters.items()
            if how.trouble
        ]
        refusing = [
            Trouble(Dependency.ADAPTER, name, f"refuses deliveries: {why}")
            for name, why in self._refusing.items()
        ]
        agents = [Trouble(Dependency.AGENT, name, why) for (name, _), why in self._agents.items()]
        others = [trouble for read in self._others for trouble in read()]
        return database + adapters + refusing + agents + others

    @property
    def causes(self) -> list[str]:
        """The same, each in one line."""
        return [str(trouble) for trouble in self.troubles]
