"""Is the kit green for what keeps its rules, and red for what breaks one, by that rule alone?"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.testing.conformance import RULES, Patience, Report, Result, Subject, Verdict, try_rule
from bridge.testing.conformance.apart import Apart
from bridge.testing.conformance.stage import staged
from bridge.testing.stand_in import StandInMissing
from tests.contract import broken_adapters as kinds

#: For what is expected to hold, however busy the machine is.
PATIENT = Patience(quiet=0.2, undecided=0.2)
#: For what is expected not to come.
HASTY = Patience(event=4.0, leave=3.0, quiet=2.0)
BY_ID = {rule.id: rule for rule in RULES}


def subject(plugin: str, stand_in: str = "") -> Subject:
    name = "slack" if plugin in kinds.OF_SLACK else "pinboard"
    usual = "SLACK_STAND_IN" if plugin in kinds.OF_SLACK else "STAND_IN"
    place = "tests.contract.broken_adapters"
    return Subject.at(name, plugin=f"{place}:{plugin}", stand_in=f"{place}:{stand_in or usual}")


def tried(who: Subject, *but: str, patience: Patience = PATIENT) -> dict[str, Result]:
    """All rules but some, several at a time: mostly they wait."""
    rules = [rule for rule in RULES if rule.id not in but]
    with ThreadPoolExecutor(12) as threads:
        results = threads.map(lambda rule: try_rule(who, rule, patience), rules)
        return {result.rule: result for result in results}


def told(results: dict[str, Result], *verdicts: Verdict) -> set[str]:
    return {rule for rule, result in results.items() if result.verdict in verdicts}


def test_every_rule_has_an_adapter_that_breaks_it() -> None:
    assert set(kinds.BROKEN) == set(BY_ID)


@pytest.mark.parametrize("rule", ["redelivery", "lost-answer"])
def test_the_sample_keeps_a_rule(rule: str) -> None:
    assert try_rule(subject("GOOD"), BY_ID[rule]).verdict is Verdict.KEPT


@pytest.mark.thorough
@pytest.mark.parametrize("plugin", ["GOOD", "GOOD_SLACK"])
def test_who_keeps_every_rule_has_gold(plugin: str) -> None:
    results = tried(subject(plugin))

    report = Report(adapter=plugin, results=list(results.values()))

    assert [each.lines for each in results.values() if not each.holds] == []
    assert report.green
    assert report.level is not None
    assert report.level.label == "gold"


@pytest.mark.thorough
@pytest.mark.parametrize(("rule", "plugin"), kinds.BROKEN.items())
def test_who_breaks_a_rule_is_told_so(rule: str, plugin: str) -> None:
    result = try_rule(subject(plugin), BY_ID[rule], HASTY)

    assert result.verdict is Verdict.BROKEN
    assert result.expected != "the rule can be tried to its end"
    assert result.seen
    assert result.remedy


@pytest.mark.thorough
@pytest.mark.parametrize(("rule", "plugin"), list(kinds.BROKEN.items())[::3])
def test_who_breaks_one_rule_breaks_no_other(rule: str, plugin: str) -> None:
    results = tried(subject(plugin), rule)

    assert [each.lines for each in results.values() if not each.holds] == []


@pytest.mark.thorough
@pytest.mark.parametrize(("rule", "plugin"), kinds.MORE)
def test_whoever_breaks_it_in_another_way_is_told_so_too(rule: str, plugin: str) -> None:
    result = try_rule(subject(plugin), BY_ID[rule], HASTY)

    assert result.verdict is Verdict.BROKEN
    assert result.expected != "the rule can be tried to its end"


def test_an_adapter_that_never_yields_ends_its_rule_alone() -> None:
    brief = Patience(rule=0.5, clearing=0.1)

    result = try_rule(subject("NEVER_YIELDS"), BY_ID["lost-answer"], brief)

    assert result.verdict is Verdict.BROKEN
    assert "ends within" in result.expected
    assert try_rule(subject("GOOD"), BY_ID["claims-agree"]).verdict is Verdict.KEPT


def test_a_stand_in_that_fails_is_told_apart_from_a_rule_that_is_kept() -> None:
    result = try_rule(subject("GOOD", "FALLING"), BY_ID["lost-answer"])

    assert result.verdict is Verdict.BROKEN
    assert "the screen is dark" in result.seen


def test_a_stand_in_that_cannot_be_opened_ends_the_run() -> None:
    with pytest.raises(StandInMissing, match="buy one"):
        try_rule(subject("GOOD", "MISSING"), BY_ID["settings"])


@pytest.mark.parametrize("place", ["tests.contract.nowhere:x", "tests.stage:NO_STAND_IN"])
def test_a_stand_in_that_cannot_be_imported_ends_it_too(place: str) -> None:
    who = Subject.at("pinboard", plugin="tests.contract.broken_adapters:GOOD", stand_in=place)

    with pytest.raises(StandInMissing, match=r"importing the stand-in .* failed"):
        try_rule(who, BY_ID["settings"])


def test_what_means_nothing_on_a_platform_is_inapplicable_unless_it_is_bronze() -> None:
    who = subject("GOOD", "EXCUSED")

    assert try_rule(who, BY_ID["find"]).reason == "nothing is ever found"
    assert try_rule(who, BY_ID["redelivery"]).verdict is Verdict.KEPT


def test_where_a_message_is_one_line_a_text_may_be_several() -> None:
    assert try_rule(subject("GOOD_IN_LINES"), BY_ID["unicode"]).verdict is Verdict.KEPT


@pytest.mark.thorough
def test_a_platform_that_keeps_nothing_for_who_is_away_is_not_asked_for_it() -> None:
    who = subject("GOOD", "FORGETFUL")

    assert try_rule(who, BY_ID["unreachable"], PATIENT).verdict is Verdict.KEPT
    assert try_rule(who, BY_ID["crash-and-resume"]).reason.startswith("it keeps nothing")


@pytest.mark.thorough
def test_a_stand_in_that_sees_nothing_proves_nothing_of_what_is_posted() -> None:
    results = tried(subject("GOOD", "BLIND"), patience=HASTY)

    assert told(results, Verdict.KEPT) == {
        "settings", "accept-before-ack", "redelivery", "credentials", "claims-agree", "corrections",
        "declared-is-proven", "who-speaks",
    }  # fmt: skip


@pytest.mark.thorough
def test_a_stand_in_whose_people_say_nothing_proves_nothing_of_what_is_heard() -> None:
    results = tried(subject("GOOD", "MUTE"), patience=HASTY)

    assert told(results, Verdict.KEPT) == {"credentials", "claims-agree"}


@pytest.mark.thorough
def test_a_stand_in_where_nothing_goes_wrong_proves_nothing_of_what_does() -> None:
    results = tried(subject("GOOD", "HARMLESS"), patience=HASTY)

    assert told(results, Verdict.BROKEN) >= {
        "refusal", "rate-limit", "unreachable", "credentials", "silence", "lost-answer",
    }  # fmt: skip


@pytest.mark.thorough
def test_what_a_stand_in_cannot_do_is_unproven_and_no_level_is_reached_by_it() -> None:
    results = tried(subject("GOOD", "MODEST"))

    assert told(results, Verdict.UNPROVEN) == {
        "refusal", "rate-limit", "unreachable", "credentials", "silence", "lost-answer", "find",
    }  # fmt: skip
    report = Report(adapter="pinboard", results=list(results.values()))
    assert not report.green
    assert report.level is not None
    assert report.level.label == "bronze"


@pytest.mark.thorough
async def test_an_adapter_that_cannot_be_ended_does_not_outlive_who_tries_it() -> None:
    who = subject("CANNOT_BE_ENDED")
    async with staged(who, PATIENT) as stage:
        apart = Apart(stage.intake)
        async with apart.running():
            await stage.enter(apart)
            process = apart._process
            assert process is not None
            assert apart.wire._writer is not None
            apart.wire._writer.close()  # as if we had been killed
            async with asyncio.timeout(20):
                assert await process.wait() == 0
