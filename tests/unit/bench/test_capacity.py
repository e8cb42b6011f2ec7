"""Does the page of capacity tell what was measured?"""

from tests.bench.capacity import page


def test_each_figure_and_what_it_comes_to_stands_there() -> None:
    found = {
        "sessions": 1000,
        "threads": 100,
        "seconds": 20.0,
        "base_mb": 71.4,
        "session_kb": 50.0,
        "idle": 2.34,
        "message_us": 800.0,
        "bytes_per_message": 2500.0,
        "machine": {"cores": 2},
    }
    told = page(found)
    for figure in (
        "71 MB",
        "50 KB",
        "19,000",
        "2.3 %",
        "800 µs",
        "1,250 a second",
        "2500 bytes",
        "2.5 GB",
    ):
        assert figure in told
    assert "cores 2" in told
