"""The shipped register holds every row of the field's clock table, and each can be read by a lawyer."""

from pathlib import Path

import pytest

from watchfloor.identity.roles import ROLES
from watchfloor.language import compile_text, load_register
from watchfloor.language.register import class_of, law_of
from watchfloor.language.rules.life import LIFE_LAWS

ROWS = load_register(Path(__file__).resolve().parents[2] / "runbooks" / "clocks.yaml")

MARKS = {
    "us.cybertip.report": "V",
    "us.cybertip.imminent": "V",
    "us.cybertip.preserve": "V",
    "us.cybertip.minimise": "S",
    "us.preserve.2703f": "S",
    "us.emergency.disclosure": "T",
    "us.takeitdown": "V",
    "us.dsp.rejected": "V",
    "us.dsp.records": "V",
    "us.dsp.bulk": "V",
    "us.state.breach.ca": "S",
    "us.state.breach.other": "S",
    "us.ca.ab1394": "T",
    "us.ca.sedit": "V",
    "us.pafaca": "S",
    "eu.tco.removal": "V",
    "eu.tco.crossborder": "V",
    "eu.tco.preserve": "T",
    "eu.tco.imminent": "V",
    "eu.dsa.art9": "V",
    "eu.dsa.art10": "T",
    "eu.dsa.art16": "S",
    "eu.dsa.art17": "V",
    "eu.dsa.art18": "V",
    "eu.gdpr.art33": "S",
    "eu.gdpr.art17": "T",
    "eu.eprivacy.csam": "S",
    "eu.eevidence.produce": "S",
    "eu.eevidence.produce.emergency": "S",
    "eu.eevidence.preserve": "S",
    "uk.osa.ncii": "V",
    "uk.osa.crisis": "V",
    "uk.osa.dpn": "T",
    "uk.osa.core": "T",
    "au.esafety.removal": "V",
    "au.avm": "T",
    "in.order.3h": "S",
    "in.ncii.2h": "S",
    "in.grievance.7d": "S",
    "in.urgent.36h": "S",
    "de.netzdg": "S",
}
"""Every row of the clock table of the domain model, and how well it is known. A row whose parts are known unequally is
split, or carries the weaker mark."""

HOUR, DAY = 3600.0, 86_400.0
LENGTHS = {
    "us.preserve.2703f": 90 * DAY,
    "us.takeitdown": 48 * HOUR,
    "us.dsp.rejected": 14 * DAY,
    "us.state.breach.ca": 30 * DAY,
    "us.state.breach.ca_ag": 15 * DAY,
    "us.ca.ab1394.confirm": 36 * HOUR,
    "us.ca.ab1394.update": 7 * DAY,
    "us.ca.ab1394": 30 * DAY,
    "us.ca.sedit.confirm": 48 * HOUR,
    "us.ca.sedit.update": 7 * DAY,
    "us.ca.sedit": 30 * DAY,
    "us.ca.sedit.delay": 48 * HOUR,
    "eu.tco.removal": HOUR,
    "eu.tco.scrutiny": 48 * HOUR,
    "eu.tco.crossborder": 72 * HOUR,
    "eu.gdpr.art33": 72 * HOUR,
    "eu.eevidence.produce": 10 * DAY,
    "eu.eevidence.produce.emergency": 8 * HOUR,
    "eu.eevidence.preserve": 60 * DAY,
    "uk.osa.ncii": 48 * HOUR,
    "au.esafety.removal": 24 * HOUR,
    "au.esafety.complaint": 48 * HOUR,
    "in.order.3h": 3 * HOUR,
    "in.ncii.2h": 2 * HOUR,
    "in.urgent.36h": 36 * HOUR,
    "in.grievance.7d": 7 * DAY,
    "in.information.72h": 72 * HOUR,
    "de.netzdg": 24 * HOUR,
    "de.netzdg.other": 7 * DAY,
}
MONTHS = {
    "us.cybertip.preserve": 12,
    "us.dsp.records": 120,
    "eu.tco.preserve": 6,
    "eu.gdpr.art17": 1,
    "eu.eprivacy.csam": 12,
    "uk.osa.dpn": 12,
}
TARGETS = {
    "us.cybertip.report": 4 * HOUR,
    "us.cybertip.report_at_risk": HOUR,
    "us.cybertip.report_bulk": 24 * HOUR,
    "us.cybertip.imminent": 0.5 * HOUR,
    "us.emergency.disclosure": HOUR,
    "us.emergency.disclosure.decide": 0.5 * HOUR,
    "eu.tco.imminent": 0.5 * HOUR,
    "eu.dsa.art18": HOUR,
}


def test_every_row_of_the_table_is_there_with_its_mark() -> None:
    assert {id_: ROWS[id_]["basis"] for id_ in MARKS if id_ in ROWS} == MARKS


def test_the_lengths_are_those_of_the_table() -> None:
    assert {id_: ROWS[id_]["duration"] for id_ in LENGTHS} == LENGTHS
    assert {id_: ROWS[id_]["months"] for id_ in MONTHS} == MONTHS
    assert {id_: ROWS[id_]["internal_slo"] for id_ in TARGETS} == TARGETS


def test_the_laws_that_pause_and_renew_are_those_of_the_table() -> None:
    pausing = {id_: (row["pause_on"], row.get("after_pause")) for id_, row in ROWS.items() if "pause_on" in row}
    assert pausing == {"eu.tco.removal": (["clarification_requested", "force_majeure"], "restart")}
    renewing = {
        id_: (row["renew"]["add"] / DAY, row["renew"]["max"], row["renew_basis"])
        for id_, row in ROWS.items()
        if "renew" in row
    }
    assert renewing == {
        "us.preserve.2703f": (90, 1, "S"),
        "us.ca.ab1394": (30, 1, "T"),
        "us.ca.sedit": (30, 1, "V"),
        "eu.eevidence.preserve": (30, 1, "T"),
    }


def test_each_row_says_who_acts_when_and_what_is_recorded() -> None:
    for id_, row in ROWS.items():
        assert {"jurisdiction", "trigger", "actor"} <= set(row), id_
        assert row.get("record") or row["kind"] in {"info", "retired"}, id_


def test_the_thresholds_of_bulk_data_are_whole_numbers_of_people() -> None:
    assert ROWS["us.dsp.bulk"]["thresholds"] == {
        "human_genomic": 100,
        "other_omic": 1000,
        "biometric": 1000,
        "precise_geolocation_devices": 1000,
        "health": 10000,
        "financial": 10000,
        "covered_identifiers": 100000,
    }


def test_every_floor_conflicts_with_erasure_and_with_deletion_after_a_time() -> None:
    floors = [row for row in ROWS.values() if class_of(row) == "floor"]
    assert len(floors) >= 6
    assert [row["id"] for row in floors if not {"erasure", "ttl"} <= set(row["conflicts"])] == []
    assert ROWS["us.cybertip.minimise"]["conflicts"] == ["us.cybertip.preserve"]
    assert class_of(ROWS["us.cybertip.minimise"]) == "destruction"


RUNBOOK = """runbook: sample
version: 1
title: Sample
owners: [ts]
severity: S1
regions: {command: eu, allowed: [eu]}
inputs: {came_at: timestamp}
facts:
  came: {type: timestamp, from: [inputs.came_at]}
  done: {type: timestamp, from: [legal_counsel]}
clocks:
  one: {use: LAW, start: facts.came, stop: facts.done, on_breach: [{page: deputy}], on_close: {assign: deputy}}
phases:
  - main:
      - {id: page, action: page, with: {role: ops_lead, about: started}}
"""


def compiled(law: str) -> tuple[list[str], object]:
    from activities.catalog import CATALOG

    text = RUNBOOK.replace("LAW", law)
    made = compile_text(text, path="runbook.yaml", catalog=CATALOG, register=ROWS, roles=ROLES)
    return [finding.code for finding in made.findings if finding.is_error], made.plan


def test_somebody_hears_when_a_ceiling_is_passed() -> None:
    text = RUNBOOK.replace("LAW", "eu.eprivacy.csam").replace("on_breach: [{page: deputy}], ", "")
    from activities.catalog import CATALOG

    made = compile_text(text, path="runbook.yaml", catalog=CATALOG, register=ROWS, roles=ROLES)
    assert [finding.code for finding in made.findings if finding.is_error] == ["WF404"]


@pytest.mark.parametrize("id_", [id_ for id_, row in ROWS.items() if row["kind"] in {"info", "retired"}])
def test_what_sets_no_clock_is_used_by_no_runbook(id_: str) -> None:
    assert compiled(id_) == (["WF214"], None)


@pytest.mark.parametrize("id_", [id_ for id_, row in ROWS.items() if row["kind"] not in {"info", "retired"}])
def test_every_other_row_can_be_used_and_a_plan_holds_only_what_a_run_needs(id_: str) -> None:
    errors, plan = compiled(id_)
    # a clock of life asks for more than this runbook does
    assert errors == (["WF311"] if id_ in LIFE_LAWS else [])
    law = plan["clocks"]["one"]["law"] if plan is not None else law_of(ROWS[id_])  # type: ignore[index]
    assert law == law_of(ROWS[id_])
    assert not {"traps", "record", "trigger", "actor", "counted", "thresholds"} & set(law)
