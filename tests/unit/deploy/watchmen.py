"""Prometheus as the judge of our rules: series go in, the alerts that fire come out (promtool)."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no types come with it

from bridge.runtime.reporting.metrics import Metrics

ROOT = Path(__file__).parents[3]
RULES = ROOT / "bridge" / "deploy" / "prometheus-rules.yml"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed"
)

#: Series by name and labels, with their values a minute apart, as promtool writes them.
Series = Mapping[str, str]


@cache
def groups() -> list[dict[str, Any]]:
    """The rules as they are grouped."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return found


def rules() -> list[dict[str, Any]]:
    """Every rule of the file."""
    return [rule for group in groups() for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """The alert rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def promtool(*arguments: str | Path) -> str:
    """Run it; what it said if it found anything wrong, else nothing."""
    tool = shutil.which("promtool") or "promtool"
    ran = subprocess.run(
        [tool, *map(str, arguments)], capture_output=True, text=True, timeout=50, check=False
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def firing(alert: str, **labels: str) -> str:
    """An alert that fires, as Prometheus itself writes it down."""
    severity = alerts()[alert]["labels"]["severity"]
    all_labels = {"alertname": alert, "alertstate": "firing", "severity": severity, **labels}
    inner = ", ".join(f'{name}="{value}"' for name, value in sorted(all_labels.items()))
    return f"ALERTS{{{inner}}}"


def scene(series: Series, *times: str, expected: Iterable[str] = ()) -> dict[str, Any]:
    """After so long each time just these alerts fire."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": at,
                "exp_samples": [{"labels": labels, "value": 1} for labels in expected],
            }
            for at in times
        ],
    }


def judged(directory: Path, *scenes: dict[str, Any], every: str = "1m") -> str:
    """What promtool finds wrong about these, its rules evaluated so often."""
    plan = directory / "scenes.yml"
    whole = {
        "rule_files": [str(RULES)],
        "evaluation_interval": every,
        # In the order of the file: what is recorded is there when it is asked for.
        "group_eval_order": [group["name"] for group in groups()],
        "tests": list(scenes),
    }
    plan.write_text(json.dumps(whole))
    return promtool("test", "rules", plan)


#: Beside ours: what Prometheus adds itself, and the client's own about a process.
_THEIRS = {"ALERTS", "up"}
_TARGET = {"job", "instance"}


def unknown(expression: str) -> list[str]:
    """The figures and labels that it asks for and that no bridge publishes."""
    metrics = Metrics()
    families = {family.name: family.type for family in metrics.registry.collect()}
    wrong = []
    for name, inner in re.findall(
        r"((?:polyai_bridge|process)_\w+|ALERTS|up)\b(?:\{([^}]*)\})?", expression
    ):
        base, labels = _described(name, families, metrics)
        asked = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", inner))
        if base is None:
            wrong.append(name)
        elif name not in _THEIRS:
            wrong += sorted(asked - labels - _TARGET)
    return wrong


def _described(
    name: str, families: Mapping[str, str], metrics: Metrics
) -> tuple[str | None, set[str]]:
    """The figure that is meant, and its labels; None if there is none."""
    if name in _THEIRS:
        return name, set()
    base = re.sub("_(bucket|sum|count)$", "", name)
    kind = families.get(base) or families.get(base.removesuffix("_total"))
    if kind is None or (kind == "histogram") != (base != name):
        return None, set()
    more = {"le"} if kind == "histogram" else set()
    return base, {*metrics.labels.get(base, ()), *more}


def scraped(text: str, minutes: int, **labels: str) -> dict[str, str]:
    """What a bridge publishes, as the series of a Prometheus that saw it so for so long."""
    target = "".join(f',{name}="{value}"' for name, value in labels.items())
    series = {}
    for line in text.splitlines():
        if found := re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line):
            name, inner, value = found.groups()
            told = f"{inner}{target}" if inner else target[1:]
            series[f"{name}{{{told}}}"] = f"{float(value):.10g}x{minutes}"
    return series
