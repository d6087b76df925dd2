"""The whole way: text to plan, or findings that say why not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from schemas.actions import ActionContract
from schemas.plan import CARRIED_OUT, ClockLaw, Plan
from watchfloor.language.findings import Finding
from watchfloor.language.library import Runbooks, Text
from watchfloor.language.plan_compiler import build_plan
from watchfloor.language.report import Report
from watchfloor.language.runbook_reader import read_runbook
from watchfloor.language.source import Source, parse
from watchfloor.language.suppression import Suppressed, apply_suppressions
from watchfloor.signing import digest


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a text. `plan` is None, and `digest` empty, when any finding is an error.

    `suppressed` holds the findings that a line of the file allows, each with its reason; they are not in `findings`.
    """

    plan: Plan | None
    digest: str
    findings: tuple[Finding, ...]
    source: Source
    suppressed: tuple[Suppressed, ...] = ()


def compile_text(
    text: str | bytes,
    *,
    path: str,
    catalog: Mapping[str, ActionContract],
    register: Mapping[str, ClockLaw],
    roles: Collection[str] | None = None,
    library: Mapping[str, Text] | None = None,
    carried_out: Collection[str] = CARRIED_OUT,
) -> Compiled:
    """Compile a runbook. Never raises on bad text: each mistake is a finding.

    Each stage runs only when the one before found no error, so that one mistake gives one finding.

    Args:
        text: the file's contents; bytes are better, so that encoding is checked.
        path: how findings name the file.
        catalog: actions that authors may call.
        register: the clock register.
        roles: known roles; any role is taken when None.
        library: other runbooks by id, for `run` steps: the file as findings name it, and its contents. A mapping that
            reads only what is asked for is fine; whatever it raises comes through.
        carried_out: constructs that the engine carries out (`schemas.plan.CONSTRUCTS`); the rest is refused by name.
    """

    def compile_child(text: Text, runbooks: Runbooks) -> tuple[Plan | None, tuple[Finding, ...]]:
        made = compile_alone(text[1], text[0], runbooks)
        return made.plan, made.findings

    def compile_alone(text: str | bytes, path: str, runbooks: Runbooks) -> Compiled:
        return _compile(
            text,
            path=path,
            catalog=catalog,
            register=register,
            roles=roles,
            runbooks=runbooks,
            carried_out=carried_out,
        )

    return compile_alone(text, path, Runbooks(library or {}, compile_child))


def _compile(
    text: str | bytes,
    *,
    path: str,
    catalog: Mapping[str, ActionContract],
    register: Mapping[str, ClockLaw],
    roles: Collection[str] | None,
    runbooks: Runbooks,
    carried_out: Collection[str],
) -> Compiled:
    source = parse(text, path=path)
    if source.root is None or any(finding.is_error for finding in source.findings):
        return Compiled(None, "", source.findings, source)
    report = Report(path, source.lines, carried_out)
    runbook = read_runbook(source.root, report)
    plan = None
    if runbook is not None and not report.failed:
        plan = build_plan(
            runbook,
            report,
            catalog=catalog,
            register=register,
            roles=roles,
            runbooks=runbooks,
            source_digest=source.digest,
        )
    found = report.findings()
    wrong = {(finding.line, finding.column) for finding in found if finding.is_error}
    # a value that is wrong anyway needs no remark about how other readers take it
    remarks = [each for each in source.findings if (each.line, each.column) not in wrong]
    findings, suppressed = apply_suppressions(sorted([*remarks, *found]), path=path, text=source.text, root=source.root)
    if any(finding.is_error for finding in findings):
        plan = None
    return Compiled(plan, digest(plan) if plan is not None else "", findings, source, suppressed)
