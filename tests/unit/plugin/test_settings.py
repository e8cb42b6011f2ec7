"""Are durations, addresses and ids read as written, and refused otherwise without being quoted?"""

from datetime import timedelta

import pytest

from bridge.plugin.settings import is_loopback, read_address, read_duration, read_ids


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("24h", timedelta(hours=24)),
        (timedelta(seconds=3), timedelta(seconds=3)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(written: object, meant: timedelta) -> None:
    assert read_duration(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", "30", "s", "1.5s", "-1s", " 30s", "30 s", "30S", "1w", "٣s", 30, True, None, "0s"],
)
def test_anything_else_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        read_duration(written)


@pytest.mark.parametrize("written", ["8785h", "999999999h", "9999999999999999h"])
def test_a_duration_beyond_a_year_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        read_duration(written)


@pytest.mark.parametrize(
    "written",
    [
        "https://messaging.us-1.poly.ai",
        "https://slack.com/api/",
        "https://host.example:8443/a/b",
        "http://localhost:8080",
        "http://127.0.0.1:8080/api/",
        "http://127.9.9.9",
        "http://[::1]:8080",
    ],
)
def test_an_address_is_kept_as_written(written: str) -> None:
    assert read_address(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "http://host.example",
        "http://127.0.0.1.host.example",
        "http://localhost.host.example",
        "http://[::ffff:1.2.3.4]",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://2130706433",
    ],
)
def test_an_address_elsewhere_must_be_encrypted(written: str) -> None:
    with pytest.raises(ValueError, match="not encrypted"):
        read_address(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "host.example",
        "ftp://host.example",
        "wss://host.example",
        "https://",
        "https:///path",
        "https://host.example:port",
        "https://host.example:99999",
        "https://[::1",
        "https://host.example\n",
        "https://host .example",
        "http://localhost\\@host.example",
        "https://hunter2@host.example",
        "https://user:hunter2@host.example",
        "http://localhost@host.example",
        "https://host.example?token=hunter2",
        "https://host.example#hunter2",
    ],
)
def test_a_malformed_address_is_refused_and_never_quoted(written: str) -> None:
    with pytest.raises(ValueError, match=r"^is not") as refused:
        read_address(written)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "host.example", "10.0.0.1", "::", "localhost.example"])
def test_other_machines_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([], ()),
        ("", ()),
        (["U1", "C02"], ("U1", "C02")),
        (("U1",), ("U1",)),
        ("U1, C02,", ("U1", "C02")),
        ('["U1", "C02"]', ("U1", "C02")),
        (["U1", "U1"], ("U1",)),
        (["direct"], ("direct",)),
    ],
)
def test_ids_are_a_list_however_it_is_written(written: object, meant: tuple[str, ...]) -> None:
    assert read_ids(written, example="U1", words={"direct"}) == meant


@pytest.mark.parametrize("written", [["ann"], ["#help"], "U1, @ann", '["U1", 7]', ["direct"]])
def test_a_name_is_no_id_and_is_not_quoted(written: object) -> None:
    with pytest.raises(ValueError, match='write ids, not names, like "U1"') as refused:
        read_ids(written, example="U1")
    assert "ann" not in str(refused.value)


@pytest.mark.parametrize("written", [7, None, {"U1": 1}, '["U1"', "[1"])
def test_what_is_no_list_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r'is not a list; write it like \["C1"\]'):
        read_ids(written, example="C1")


def test_an_id_of_another_kind_is_told_by_its_first_letter() -> None:
    assert read_ids(["C1", "G1"], example="C1", begins="CGD") == ("C1", "G1")
    with pytest.raises(ValueError, match=r'entry 2 is not such an id; .* like "C1" or "direct"'):
        read_ids(["C1", "U1"], example="C1", begins="CGD", words={"direct"})
