"""Does the page of the neighbours tell what was measured?"""

from tests.bench.neighbours import NEIGHBOURS, STATES, WELL, page


def test_a_state_is_told_as_a_ratio_to_the_turns_in_which_all_was_well() -> None:
    states = {
        state: {name: [0.05] * 99 + [0.1] if state == WELL else [0.1] * 100 for name in NEIGHBOURS}
        for state in STATES
    }

    rows = page({"rounds": 1, "seconds": 25.0, "states": states}).splitlines()

    assert f"| {WELL} | slack | 100 | 50 ms | 1.00 | 100 ms | 1.00 | 100 ms |" in rows
    for state in STATES.keys() - {WELL}:
        assert f"| {state} | webhook | 100 | 100 ms | 2.00 | 100 ms | 1.00 | 100 ms |" in rows
