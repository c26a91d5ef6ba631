"""report: prints the report of a scan."""

from domain import report as reports
from ops import comparison, output, report_table, stack
from ops.decide import ScanArgument
from ops.errors import CommandError
from ops.evidence import Evidence, checked_scan
from ops.formats import ResultOptions, check
from ops.option_groups import grouped
from ops.snapshot import Reader


@grouped
def report(
    *,
    scan: ScanArgument,
    results: ResultOptions,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Print what a scan found: gate, failed conditions, findings, unanalysed files.

    Where there is an earlier version to compare with, findings are new, known or fixed.

    Exit code 2: there is no report (yet).

    Example: chatops report payments/3Lg8 --sarif payments.sarif --stack dev
    """
    check(results)
    environment = stack.load(stack_name, outputs)
    snapshot = Reader(environment, checked_scan(scan)).read()
    if snapshot.contradiction:
        raise CommandError(
            f"{snapshot.scan.id}: {snapshot.contradiction}",
            environment.command("verify", snapshot.scan.id),
        )
    last, status = snapshot.scan, snapshot.tag or snapshot.clearance
    if reports.parse(last.report, last.id) is None:
        if why := last.invalid.get("report.json"):
            fix = f"report.json {why}: {environment.command('verify', last.id)}"
        elif last.gate_result:
            fix = "its scan ended without one; upload again"
        else:
            fix = f"wait for it: {environment.command('wait', scan)}"
        raise CommandError(f"there is no report of {last.id}: {last.explanation(status)}", fix)
    sentence = last.explanation(status)
    changes = comparison.of(Evidence(environment), last)
    if results.json:
        about = {"scan": last.id, "status": status, "sentence": sentence}
        output.as_json({**about, **report_table.document(last, changes)})
    else:
        output.heading(f"{last.id}: {sentence}")
        report_table.show(environment, last, changes)
    report_table.write(
        environment, results, last, changes, status=status or "scanning", sentence=sentence
    )
