"""Does the search for leaks know every key that holds a secret?"""

import pytest
from pydantic import BaseModel

from bridge.config import validation
from tests import leaks
from tests.unit.test_docs import SECTIONS


@pytest.mark.parametrize("model", SECTIONS.values(), ids=lambda model: model.__name__)
def test_the_keys_that_hold_secrets_are_known_by_their_names(model: type[BaseModel]) -> None:
    held = validation.secrets_of(model)

    assert [key for key in held if not leaks.SECRET_KEY.search(key)] == []
