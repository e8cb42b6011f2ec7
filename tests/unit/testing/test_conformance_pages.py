"""Do the pages of the rules say what the rules are?"""

import re
from pathlib import Path

import pytest

from bridge.testing import stand_in
from bridge.testing.conformance import RULES, Level, Rule

DOCS = Path(__file__).parents[3] / "docs"
INDEX = (DOCS / "conformance-kit.md").read_text("utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_has_a_page_with_its_level_and_its_sentence(rule: Rule) -> None:
    page = (DOCS / "conformance-rules" / f"{rule.id}.md").read_text("utf-8")

    assert page.startswith(f"# {rule.id}\n\n**{rule.level.label}** · {rule.sentence}\n")
    assert re.findall("^## (.*)$", page, re.MULTILINE) == [
        "Why", "How it is tried", "How to keep it",
    ]  # fmt: skip


def test_no_page_tells_of_a_rule_that_does_not_exist() -> None:
    pages = {path.stem for path in (DOCS / "conformance-rules").glob("*")}

    assert pages == {rule.id for rule in RULES}


def test_the_index_lists_every_rule_in_the_order_in_which_they_are_tried() -> None:
    rows = re.findall(
        r"^\| \[([\w-]+)\]\(conformance-rules/\1\.md\) \| (\w+) \| (.*) \|$", INDEX, re.M
    )

    assert rows == [(rule.id, rule.level.label, rule.sentence) for rule in RULES]


def test_the_easier_rules_come_first_and_every_level_has_some() -> None:
    levels = [rule.level for rule in RULES]

    assert set(levels) == set(Level)
    assert levels == sorted(levels)


def test_the_index_names_every_protocol_of_a_stand_in() -> None:
    needs = INDEX.partition("## What the kit needs")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `(\w+)` \|", needs, re.MULTILINE)
    protocols = {
        name
        for name, kind in vars(stand_in).items()
        if isinstance(kind, type) and getattr(kind, "_is_protocol", False) and name != "Protocol"
    }

    assert set(told) == protocols - {"StandIn"}
