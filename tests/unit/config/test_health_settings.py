"""The table `[health]`: what can be written there, and what it means."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bridge.config.health_settings import HealthSettings


def test_what_is_left_out_is_sensible() -> None:
    usual = HealthSettings()
    assert usual.disk_free == 200_000_000
    assert usual.backlog_age == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("written", "bytes_"), [("0KB", 0), ("64MB", 64_000_000), ("2GB", 2 * 10**9)]
)
def test_a_size_is_a_number_and_a_unit(written: str, bytes_: int) -> None:
    assert HealthSettings.model_validate({"disk_free": written}).disk_free == bytes_


@pytest.mark.parametrize("written", ["200", "200 MB", "200mb", "-1MB", "1.5GB", True, ""])
def test_anything_else_is_refused_with_how_to_write_it(written: object) -> None:
    with pytest.raises(ValidationError, match='such as "200MB"'):
        HealthSettings.model_validate({"disk_free": written})


def test_numbers_are_whole_and_not_below_nought() -> None:
    for key in ("inodes_free", "dead_letters"):
        for value in (-1, True):
            with pytest.raises(ValidationError):
                HealthSettings.model_validate({key: value})
