"""Who is let in, by every rule there is?"""

import pytest
from msgspec.structs import replace

from adapters.slack.reading.admission import (
    OPEN,
    Admission,
    Caller,
    List,
    interactive_caller,
    is_external,
)

ANN = Caller(person="U1", channel="C1", workspace="T1")
STRANGER = replace(ANN, person="U9", home="T9", external=True)


def only(*names: str) -> List:
    return List(allowed=frozenset(names))


def without(*names: str) -> List:
    return List(denied=frozenset(names))


def test_everybody_is_let_in_where_nobody_is_named() -> None:
    assert OPEN.admits(ANN)
    assert OPEN.admits(STRANGER)


@pytest.mark.parametrize(
    ("rules", "admitted"),
    [
        (Admission(people=only("U1")), True),
        (Admission(people=only("U2")), False),
        (Admission(people=without("U1")), False),
        (Admission(people=without("U2")), True),
        (Admission(people=List(frozenset({"U1"}), frozenset({"U1"}))), False),
        (Admission(channels=only("C1")), True),
        (Admission(channels=only("C2")), False),
        (Admission(channels=only("direct")), False),
        (Admission(channels=without("C1")), False),
        (Admission(workspaces=only("T1")), True),
        (Admission(workspaces=only("T2")), False),
        (Admission(workspaces=without("T1")), False),
        (Admission(people=only("U1"), channels=without("C1")), False),
    ],
)
def test_the_lists_decide_and_the_denied_weigh_more(rules: Admission, *, admitted: bool) -> None:
    assert rules.admits(ANN) is admitted


@pytest.mark.parametrize(
    ("channels", "admitted"),
    [
        (only("C1"), False),
        (only("C1", "direct"), True),
        (only("D1"), True),
        (without("direct"), False),
    ],
)
def test_direct_conversations_go_by_one_word(channels: List, *, admitted: bool) -> None:
    assert Admission(channels=channels).admits(replace(ANN, channel="D1")) is admitted


@pytest.mark.parametrize(
    ("rules", "admitted"),
    [
        (Admission(workspaces=only("T9")), True),
        (Admission(workspaces=only("T1")), False),
        (Admission(workspaces=without("T9")), False),
        (Admission(workspaces=without("T1")), False),
        (Admission(external_people=False), False),
    ],
)
def test_somebody_from_elsewhere_counts_by_their_own_workspace(
    rules: Admission, *, admitted: bool
) -> None:
    assert rules.admits(STRANGER) is admitted


def test_other_apps_are_let_in_only_if_asked_for() -> None:
    workflow = replace(ANN, person="B1", automatic=True)
    assert not OPEN.admits(workflow)
    assert Admission(bots=True).admits(workflow)
    assert not Admission(bots=True, people=without("B1")).admits(workflow)


@pytest.mark.parametrize(
    ("home", "ours", "shared", "external"),
    [
        ("T9", ("T1", ""), True, True),
        ("T9", ("T1", ""), False, False),
        ("T1", ("T1", ""), True, False),
        ("E1", ("T1", "E1"), True, False),
        ("", ("T1", ""), True, False),
    ],
)
def test_who_is_external(home: str, ours: tuple[str, ...], *, shared: bool, external: bool) -> None:
    assert is_external(home, *ours, shared=shared) is external


@pytest.mark.parametrize(
    ("payload", "home", "external"),
    [
        ({"user": {"id": "U1", "team_id": "T9"}}, "T9", True),
        ({"user": {"id": "U1", "team_id": "T1"}}, "T1", False),
        ({"user": {"id": "U1", "team_id": "E1"}, "enterprise": {"id": "E1"}}, "E1", False),
        ({"user": {"id": "U1"}}, "", False),
        ({"user": {"team_id": 7}, "enterprise": []}, "", False),
        ({"team_id": "T9", "user_id": "U1"}, "T9", True),
        ({"team_id": "E1", "enterprise_id": "E1"}, "E1", False),
        ({}, "", False),
    ],
)
def test_who_pressed_or_typed_is_read_from_the_payload(
    payload: dict[str, object], home: str, *, external: bool
) -> None:
    caller = interactive_caller(payload, person="U1", channel="C1", workspace="T1")
    assert caller == replace(ANN, home=home, external=external)
