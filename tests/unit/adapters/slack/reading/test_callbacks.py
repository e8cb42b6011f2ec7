"""Is it told rightly to which organisation a workspace belongs?"""

import pytest

from adapters.slack.reading.callbacks import organisation_of

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
