"""Does the search for leaks know every key that holds a secret?"""

import re

import pytest
from pydantic import BaseModel

from bridge.config import validation
from tests import leaks
from tests.unit.test_docs import SECTIONS


@pytest.mark.parametrize(("heading", "model"), SECTIONS.items(), ids=SECTIONS)
def test_the_keys_that_hold_secrets_are_known_by_their_names(
    heading: str, model: type[BaseModel]
) -> None:
    there = leaks.SECRET_IN.get(re.sub(r"[^a-z]", "", heading), set())
    held = validation.secrets_of(model)

    assert [key for key in held if not (leaks.SECRET_KEY.search(key) or key in there)] == []
