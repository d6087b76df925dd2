"""Outcomes as JUnit XML, for continuous integration."""

from collections.abc import Sequence
from xml.etree import ElementTree as XML

from watchfloor.scenarios.outcome import Outcome
from watchfloor.scenarios.report import render_outcome


def render_junit(outcomes: Sequence[Outcome]) -> str:
    """One test suite for each runbook, one test case for each scenario; failures carry the timeline."""
    root = XML.Element("testsuites", name="watchfloor")
    for runbook in dict.fromkeys(outcome.scenario.runbook for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.scenario.runbook == runbook]
        suite = XML.SubElement(
            root,
            "testsuite",
            name=runbook,
            tests=str(len(mine)),
            failures=str(sum(not outcome.passed for outcome in mine)),
            time=f"{sum(outcome.seconds for outcome in mine):.3f}",
        )
        for outcome in mine:
            scenario = outcome.scenario
            case = XML.SubElement(
                suite,
                "testcase",
                classname=runbook,
                name=scenario.name,
                file=scenario.path,
                line=str(scenario.line),
                time=f"{outcome.seconds:.3f}",
            )
            if not outcome.passed:
                first = outcome.deviations[0].message if outcome.deviations else "it could not be run"
                XML.SubElement(case, "failure", message=first).text = _printable(render_outcome(outcome))
    XML.indent(root)
    return XML.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)
