"""A platform that shows something else after a restart is owed what it shows now; all words."""

from hypothesis import given

from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Post, Replace, Retire
from bridge.model.messages import AgentReply, Notice
from bridge.plugin import text_of
from tests.property.test_fallbacks import FAST, STORIES, TERMS, Story, contents, names, owed


@FAST
@given(before=TERMS, after=TERMS, first=STORIES, then=STORIES)
def test_what_is_owed_is_for_the_platform_as_it_is_now(
    before: Terms, after: Terms, first: list[tuple[str, int]], then: list[tuple[str, int]]
) -> None:
    story = Story(before)
    for verb, whim in first:
        story.happens(verb, whim)
    story.terms = after
    for verb, whim in then:
        offered = story.conversation.offered
        stands = offered.revised.text if offered and offered.revised else None
        body = story.happens(verb, whim)
        for content in contents(story):
            if isinstance(content, AgentReply) and content.text == stands:
                continue  # as it was shown, less what could be pressed
            assert len(text_of(content)) <= after.text_limit
            assert text_of(content).strip() or not isinstance(content, Notice)
        assert after.shows.edits or not any(isinstance(b, Replace | Retire) for b in owed(story))
        if verb in ("agent", "live") and owed(story):
            assert isinstance(body, f.AgentMessage | f.LiveAgentMessage)
            posts = [body.content for body in owed(story) if isinstance(body, Post)]
            told = [name for c in posts if isinstance(c, AgentReply) for name in names(c.text)]
            assert told[: len(names(body.text))] == names(body.text)
