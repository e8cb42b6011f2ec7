"""Are the keys that say who may talk read, and made into rules?"""

import pytest
from pydantic import ValidationError

from adapters.slack.reading.admission import OPEN, Admission, AnswerTo, List
from adapters.slack.settings.admission_settings import AdmissionSettings


def test_nothing_given_is_open_to_all() -> None:
    assert AdmissionSettings().admission == OPEN


def test_every_key_becomes_a_rule() -> None:
    given = AdmissionSettings.model_validate(
        {
            "allow_workspaces": ["T1"],
            "deny_workspaces": "T2",
            "allow_channels": ["C1", "direct"],
            "deny_channels": ["C2"],
            "allow_people": '["U1"]',
            "deny_people": "U2,U3",
            "external_people": False,
            "bots": True,
            "answer_to": "mention",
        }
    )
    assert given.admission == Admission(
        workspaces=List(frozenset({"T1"}), frozenset({"T2"})),
        channels=List(frozenset({"C1", "direct"}), frozenset({"C2"})),
        people=List(frozenset({"U1"}), frozenset({"U2", "U3"})),
        answer_to=AnswerTo.MENTION,
        bots=True,
        external_people=False,
    )


@pytest.mark.parametrize(
    ("key", "like"),
    [
        ("allow_people", '"U0123456789"'),
        ("deny_channels", '"C0123456789" or "direct"'),
        ("allow_workspaces", '"T0123456789"'),
    ],
)
@pytest.mark.parametrize("given", [["#help"], "Acme,Beta", ["S0123456789"]])
def test_a_name_or_an_id_of_another_kind_is_refused_with_an_example(
    key: str, like: str, given: object
) -> None:
    with pytest.raises(ValidationError, match=f"entry 1 .* write ids, not names, like {like}"):
        AdmissionSettings.model_validate({key: given})


def test_only_channels_know_the_word_direct() -> None:
    with pytest.raises(ValidationError):
        AdmissionSettings(allow_people=("direct",))
