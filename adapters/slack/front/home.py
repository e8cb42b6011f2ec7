"""What does a person find in the app's Home tab? Who the agent is, and their conversations.

Sources: docs.slack.dev, "App Home" and reference/methods/views.publish.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.slack.front.asides import Asides, passed_on
from adapters.slack.identity import BotIdentity
from adapters.slack.logs import LOG
from adapters.slack.reading.interactions import HomeTab
from adapters.slack.rendering import markup
from adapters.slack.rendering.blocks import Block, context, divider, header, section
from adapters.slack.rendering.guidance import how_to
from adapters.slack.rendering.listing import MOST, conversations, moment, of_workspace
from adapters.slack.settings.control_settings import ControlSettings
from adapters.slack.web.answers import Refusal
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.errors import BridgeError
from bridge.model.delivery import Urgency
from bridge.model.ids import ThreadKey
from bridge.model.inbound import EndAsked, Inbound
from bridge.plugin import Glimpse, Host

#: How long a wish may take until the list tells what became of it.
_SETTLED: Final = timedelta(seconds=3)


def home_view(
    bot: BotIdentity, glimpses: Sequence[Glimpse], guidance: str, *, now: datetime, remark: str = ""
) -> dict[str, Any]:
    """The Home tab of somebody who has these conversations; `guidance` says how to begin one."""
    blocks: list[Block] = [
        header(markup.label(bot.name, 100) or "Your agent"),
        section(guidance),
        divider(),
        section(_counted(len(glimpses))),
        *conversations(glimpses, bot.address),
    ]
    if remark:
        blocks.append(context(markup.escape(remark)))
    blocks.append(context(f"As of {moment(now)}. Open this tab again to see what has changed."))
    return {"type": "home", "blocks": blocks}


def _counted(number: int) -> str:
    if not number:
        return "*You have no open conversation.*"
    shown = f" The latest {MOST} are:" if number > MOST else ""
    return f"*Your open conversations: {number}*{shown}"


class HomeTabs:
    """Publishes Home tabs, each as it is asked for; the newest of one person's wins."""

    def __init__(
        self, workspaces: Workspaces, host: Host, settings: ControlSettings, asides: Asides
    ) -> None:
        self._workspaces = workspaces
        self._host = host
        self._settings = settings
        self._asides = asides

    def opened(self, tab: HomeTab) -> None:
        """Somebody looks at it."""
        self._asides.start(self._show(tab), instead=tab)

    def pressed(self, tab: HomeTab, inbound: Inbound | None) -> None:
        """Somebody pressed a button in it; `inbound` is what that meant, if anything."""
        if inbound is None:
            self.opened(tab)
        else:
            self._asides.start(self._follow(tab, inbound), instead=tab)

    async def _follow(self, tab: HomeTab, inbound: Inbound) -> None:
        """Say at once that the wish was taken, and then what became of it."""
        gone = inbound.thread if isinstance(inbound.body, EndAsked) else None
        await self._show(tab, remark=passed_on(inbound.body), without=gone)
        await self._host.clock.sleep(_SETTLED)
        await self._show(tab)

    async def _show(
        self, tab: HomeTab, *, remark: str = "", without: ThreadKey | None = None
    ) -> None:
        workspace = self._workspaces.known(tab.team)
        if workspace is None:
            return
        try:
            found = await self._host.conversations_of(tab.person)
            mine = [g for g in of_workspace(found, tab.team) if g.thread != without]
            await self._publish(workspace, tab, self._view(workspace, mine, remark))
        except (Refusal, BridgeError) as refusal:
            LOG.debug("slack.home_not_shown", extra={"reason": str(refusal)})

    def _view(
        self, workspace: Workspace, glimpses: Sequence[Glimpse], remark: str
    ) -> dict[str, Any]:
        settings, now = self._settings, self._host.clock.now()
        guidance = how_to(workspace.bot.user, settings.words, settings.command)
        return home_view(workspace.bot, glimpses, guidance, now=now, remark=remark)

    async def _publish(self, workspace: Workspace, tab: HomeTab, view: dict[str, Any]) -> None:
        await workspace.calls.ask(
            workspace.calls.web.views_publish,
            urgency=Urgency.SIGNAL,
            user_id=tab.person,
            view=view,
        )
