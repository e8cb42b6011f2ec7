"""Does an adapter keep its promises? The conformance kit, from the command line."""

import sys
from pathlib import Path

import click
import msgspec

from bridge import log
from bridge.cli.options import JSON
from bridge.cli.printing import print_json


@click.command()
@click.argument("adapter")
@JSON
@click.option("--rule", "chosen", multiple=True, metavar="ID", help="Only this rule; repeatable.")
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Also write the JSON document to this file.",
)
def conform(
    adapter: str,
    as_json: bool,  # noqa: FBT001 - click passes flags so
    chosen: tuple[str, ...],
    report_path: Path | None,
) -> None:
    """Try an installed adapter against its stand-in, rule by rule.

    ADAPTER is the type of its plug-in. Exit code 0: no rule is broken or left unproven.
    """
    # The kit is only there for those who ask for it: the daemon's start has no time for it.
    from bridge.testing.conformance import RULES, Report, Subject, tried

    known = {rule.id: rule for rule in RULES}
    for each in chosen:
        if each not in known:
            raise click.BadParameter(f"no rule {each!r}; there are: {', '.join(known)}")
    if report_path and not report_path.absolute().parent.is_dir():
        raise click.BadParameter(f"no directory {str(report_path.parent)!r}")
    log.configure("error", "text")
    rules = [rule for rule in RULES if not chosen or rule.id in chosen]
    results = []
    for result in tried(Subject.installed(adapter), rules):
        results.append(result)
        if not as_json:
            click.echo("\n".join(result.lines))
    report = Report(adapter=adapter, results=results, whole=not chosen)
    if as_json:
        print_json(report.document)
    else:
        click.echo(report.summary)
    if report_path:
        report_path.write_bytes(msgspec.json.format(msgspec.json.encode(report.document)) + b"\n")
    sys.exit(0 if report.green else 1)
