"""Is JSON read as Python reads it, and told to which organisation a workspace belongs?"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.reading.callbacks import decoded, organisation_of

ORG = {"id": "E1", "name": "Org"}


@pytest.mark.parametrize(
    ("payload", "organisation"),
    [
        ({"authorizations": [{"team_id": "T1", "enterprise_id": "E1"}], "event": {}}, "E1"),
        ({"team": {"id": "T1"}, "enterprise": ORG, "type": "block_actions"}, "E1"),
        ({"command": "/agent", "team_id": "T1", "enterprise_id": "E1"}, "E1"),
        # Pressed in a shared channel by somebody of another organisation, whose is the rest.
        ({"team": {"id": "T2"}, "enterprise": ORG, "type": "block_actions"}, ""),
        ({"team": {"id": "T1"}, "enterprise": None}, ""),
        ({"team": {"id": "T1"}, "enterprise": "E1"}, ""),
        ({"team": "T1", "authorizations": 7}, ""),
        ({"authorizations": [{"team_id": "T1", "enterprise_id": 7}]}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_only_the_workspaces_own_organisation_is_told(payload: object, organisation: str) -> None:
    assert organisation_of(payload, "T1") == organisation


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
)


@given(_ANYTHING, st.booleans())
def test_json_is_read_as_python_reads_it(value: object, in_bytes: bool) -> None:
    text = json.dumps(value)
    assert repr(decoded(text.encode() if in_bytes else text)) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ufeff{}", '"\x00"', "nothing"])
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        decoded(text)
