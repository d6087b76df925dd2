"""What is asked over and over is asked once, and never answered for somebody else or for another run."""

from dataclasses import replace
from pathlib import Path

import pytest

from watchfloor.authorisation import Authority, Question, RememberingAuthority, Resource, load_authority, read_policies
from watchfloor.authorisation.policies_file import SHIPPED
from watchfloor.identity.people import Person

OPS = Person("ops-1", ("ops_lead",), "example-ie", "eu", ())
RUN = Resource(id="inc-1", kind="incident", runbook="r", region="eu", severity="S1")
NOTES = '@id("own.rule") @wants("it") @fix("do it")\n'


def counted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    asked: list[Question] = []
    judge = authority.judge
    monkeypatch.setattr(authority, "judge", lambda question: (asked.append(question), judge(question))[1])
    return asked


def view(resource: Resource, person: Person = OPS) -> Question:
    return Question(person, "view", resource, "", "", "dev", True)


def test_hundreds_of_runs_alike_are_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(read_policies(SHIPPED))
    asked = counted(authority, monkeypatch)
    remembering = RememberingAuthority(authority)
    assert all(remembering.allows(view(replace(RUN, id=f"inc-{number}"))) for number in range(300))
    assert len(asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(RUN, compartment="terror"),
        replace(RUN, region="us"),
        replace(RUN, excluded=("ops-1",)),
        replace(RUN, compartment="usds"),
    ],
)
def test_another_run_is_another_question(other: Resource) -> None:
    remembering = RememberingAuthority(load_authority())
    for _ in range(2):
        assert remembering.allows(view(RUN))
        assert not remembering.allows(view(other))
        assert not remembering.allows(view(RUN, replace(OPS, region="us")))
        assert not remembering.allows(replace(view(RUN), on_this_machine=False))


def test_a_clearance_that_is_taken_away_counts_at_once() -> None:
    remembering = RememberingAuthority(load_authority())
    walled = view(replace(RUN, compartment="terror"))
    assert remembering.allows(replace(walled, person=replace(OPS, clearances=("terror",))))
    assert not remembering.allows(walled)


@pytest.mark.parametrize(
    "rule",
    [
        'forbid (principal, action, resource == Run::"inc-2");',
        'forbid (principal, action, resource) when { resource.id == "inc-2" };',
        'forbid (principal, action, resource) when { resource == Run::"inc-2" };',
        'forbid (principal, action, resource) unless { resource has "id" && resource.id != "inc-2" };',
    ],
)
def test_a_policy_that_names_a_run_is_asked_about_each(tmp_path: Path, rule: str) -> None:
    (tmp_path / "own.cedar").write_text(NOTES + rule)
    remembering = RememberingAuthority(load_authority(tmp_path))
    assert remembering.allows(view(RUN))
    assert not remembering.allows(view(replace(RUN, id="inc-2")))
    assert remembering.allows(view(RUN))
