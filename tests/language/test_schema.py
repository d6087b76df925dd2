"""The published schema, the models and the reader say the same."""

import json
import re
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from schemas import runbook as models
from tests.language.embedding import compile_piece, compile_whole, embed
from tests.language.test_pages import examples
from watchfloor.language import TABLE
from watchfloor.language.jsonschema import PUBLISHED, main, render
from watchfloor.language.source import parse
from watchfloor.language.type_reader import plain

SCHEMA = json.loads(PUBLISHED.read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

RUNBOOK_CODES = sorted(
    code
    for code in TABLE
    if examples(code)["Correct"][1] in {"yaml", "yaml whole"} and "{{" not in examples(code)["Correct"][0]
)
FORM_CODES = [
    "WF120",
    "WF121",
    "WF122",
    "WF123",
    "WF124",
    "WF125",
    "WF126",
    "WF219",
    "WF303",
    "WF306",
    "WF310",
]


def document(piece: str) -> Any:
    source = parse(embed(piece), path="x.yaml")
    assert source.root is not None
    return plain(source.root)


def test_the_published_schema_is_the_generated_one() -> None:
    assert PUBLISHED.read_text() == render()
    assert main(["--check"]) == 0


def test_the_command_refuses_what_it_does_not_know() -> None:
    assert main(["--wrong"]) == 2


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_key_has_a_description_for_the_editor() -> None:
    bare: list[str] = []
    for name, definition in {**SCHEMA["$defs"], "Runbook": SCHEMA}.items():
        for key, spec in definition.get("properties", {}).items():
            target = SCHEMA["$defs"].get(spec.get("$ref", "").rsplit("/", 1)[-1], {})
            if not (spec.get("description") or target.get("description")):
                bare.append(f"{name}.{key}")
    assert bare == []


def test_steps_are_told_apart_by_conditions_not_by_one_of() -> None:
    assert "oneOf" not in PUBLISHED.read_text()
    assert len(SCHEMA["$defs"]["Step"]["allOf"]) == len(models.STEP_KINDS)


@pytest.mark.parametrize("code", RUNBOOK_CODES)
def test_schema_and_models_take_every_correct_example(code: str) -> None:
    value = document(examples(code)["Correct"][0])
    assert [error.message for error in VALIDATOR.iter_errors(value)] == []
    models.Runbook.model_validate(value)


@pytest.mark.parametrize("code", FORM_CODES)
def test_schema_and_models_refuse_what_the_reader_refuses_for_its_form(code: str) -> None:
    value = document(examples(code)["Problematic"][0])
    assert not VALIDATOR.is_valid(value)
    with pytest.raises(ValidationError):
        models.Runbook.model_validate(value)


def keys_of(model: type[models.Document]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


STRANGE: dict[str, tuple[type[models.Document], str]] = {
    "approval": (models.Approval, "- {id: a, action: page, approval: {zzzzzz: 1}}"),
    "retry": (models.RetryRule, "- {id: a, action: page, retry: {zzzzzz: 1}}"),
    "undo": (models.UndoRule, "- {id: a, action: page, undo: {zzzzzz: 1}}"),
    "doubt": (models.DoubtRule, "- {id: a, action: page, doubt: {zzzzzz: 1}}"),
    "decide": (models.DecideBody, "- {id: a, decide: {zzzzzz: 1}}"),
    "option": (models.Option, "- {id: a, decide: {options: {a: {zzzzzz: 1}, b: {}}}}"),
    "silence": (models.SilencePath, "- {id: a, task: {on_silence: {zzzzzz: 1}}}"),
    "task": (models.TaskBody, "- {id: a, task: {zzzzzz: 1}}"),
    "wait": (models.WaitBody, "- {id: a, wait: {zzzzzz: 1}}"),
    "parallel": (models.ParallelBody, "- {id: a, parallel: {zzzzzz: 1}}"),
    "for_each": (models.ForEachBody, "- {id: a, for_each: {zzzzzz: 1}, steps: []}"),
    "repeat": (models.RepeatBody, "- {id: a, repeat: {zzzzzz: 1}, steps: []}"),
    "hold": (models.HoldBody, "- {id: a, hold: {zzzzzz: 1}}"),
    "handoff": (models.HandoffBody, "- {id: a, handoff: {zzzzzz: 1}}"),
    "postmortem": (models.PostmortemBody, "- {id: a, postmortem: {zzzzzz: 1}}"),
    "stop": (models.StopBody, "- {id: a, stop: {zzzzzz: 1}}"),
    "path": (models.Steps, "- {id: a, wait: {fact: annulled, within: 1h, on_timeout: {zzzzzz: 1}}}"),
    "review": (models.Review, "- {id: a, action: page, review: {zzzzzz: 1}}"),
    "break glass": (models.BreakGlass, "- {id: a, action: page, approval: {break_glass: {zzzzzz: 1}}}"),
    "by failure": (models.ByFailure, "- {id: a, action: page, on_error: {any: [], zzzzzz: 1}}"),
    "catch": (models.Catch, "- {id: a, action: page, on_error: [{zzzzzz: 1}]}"),
    "try": (models.TryBody, "- {id: a, try: {zzzzzz: 1}}"),
    "each run": (models.EachRun, "- {id: a, run: in-us, each: {zzzzzz: 1}}"),
    "member": (models.Member, "clocks: {a: {each: {zzzzzz: 1}}}"),
    "score": (models.Score, "severity: {score: {zzzzzz: 1}}"),
    "output": (models.OutputRule, "outputs: {a: {zzzzzz: 1}}"),
    "trigger": (models.TriggerRule, "triggers: [{zzzzzz: 1}]"),
    "fragment": (models.FragmentRule, "fragments: {a: {zzzzzz: 1}}"),
    "share": (models.Share, "- {id: a, wait: {for: {zzzzzz: 1}}}"),
    "seat": (models.AnyOf, "- {id: a, task: {assignee: {zzzzzz: 1}}}"),
    "fact": (models.FactRule, "facts: {a: {zzzzzz: 1}}"),
    "revise": (models.Revise, "facts: {a: {revise: {zzzzzz: 1}}}"),
    "clock": (models.ClockRule, "clocks: {a: {zzzzzz: 1}}"),
    "page": (models.PageRule, "clocks: {a: {on_breach: [{zzzzzz: 1}]}}"),
    "assign": (models.Assign, "clocks: {a: {on_close: {zzzzzz: 1}}}"),
    "track": (models.TrackRule, "alongside: [{zzzzzz: 1}]"),
    "severity": (models.SeverityRule, "severity: {zzzzzz: 1}"),
    "floor": (models.Floor, "severity: {floors: [{zzzzzz: 1}]}"),
    "regions": (models.Regions, "regions: {zzzzzz: 1}"),
    "mode": (models.ModeRule, "mode: {zzzzzz: 1}"),
    "runbook": (models.Runbook, "zzzzzz: 1"),
}
STRANGE |= {
    f"{kind} step": (model, f"- {{id: a, {kind}: {{}}, zzzzzz: 1}}")
    for kind, model in models.STEP_KINDS.items()
    if kind != "use"
}
STRANGE["use step"] = (
    models.UseStep,
    "fragments: {}\nphases:\n  - main:\n      - {id: a, use: b, zzzzzz: 1}",
)


@pytest.mark.parametrize("place", STRANGE)
def test_the_reader_knows_exactly_the_keys_of_the_model(place: str) -> None:
    model, piece = STRANGE[place]
    unknown = [finding for finding in compile_piece(piece).findings if "`zzzzzz`" in finding.message]
    assert len(unknown) == 1
    known = set(re.sub(r" … .*", "", unknown[0].expected.removeprefix("one of ")).split(", "))
    assert known == keys_of(model)


def test_types_have_the_keys_of_the_model_over_all_kinds() -> None:
    known: set[str] = set()
    for kind in ("string", "int", "list", "map"):
        finding = next(
            each
            for each in compile_piece(f"inputs: {{a: {{type: {kind}, zzzzzz: 1}}}}").findings
            if "`zzzzzz`" in each.message
        )
        known |= set(finding.expected.removeprefix("one of ").split(", "))
    assert known == keys_of(models.TypeRule)


def test_the_empty_runbook_is_refused_by_both() -> None:
    assert compile_whole("a: 1").plan is None
    assert not VALIDATOR.is_valid({"a": 1})
