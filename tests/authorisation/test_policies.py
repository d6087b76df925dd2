"""Policies permit and forbid what they say, explain every refusal, and cannot hurt who reads them."""

from pathlib import Path

import pytest

from watchfloor.authorisation import PoliciesRefused, Question, Resource, load_authority, read_policies
from watchfloor.authorisation.policies_file import SHIPPED
from watchfloor.authorisation.tables import run_table
from watchfloor.client.permission import rule
from watchfloor.client.simulation import rule_on_runbook
from watchfloor.identity.people import Person

COUNSEL = Person("counsel-1", ("legal_counsel",), "example-ie", "eu", ())
NOTES = '@id("own.rule") @wants("it") @fix("do it")\n'


def ask(**more: object) -> Resource:
    given: dict[str, object] = {"id": "inc/step", "kind": "approval", "runbook": "r", "region": "eu", **more}
    return Resource(**given)  # type: ignore[arg-type]


def test_every_case_of_the_shipped_table_holds() -> None:
    results = run_table(load_authority(), Path(__file__).with_name("shipped.yaml"))
    assert [one for one in results if not one.holds] == []
    assert len(results) > 20


def test_every_shipped_policy_is_named_by_a_case() -> None:
    table = Path(__file__).with_name("shipped.yaml").read_text()
    assert [policy.id for policy in read_policies(SHIPPED) if f"by: {policy.id}" not in table] == []


def test_a_wrong_expectation_is_named_with_its_line(tmp_path: Path) -> None:
    table = tmp_path / "wrong.yaml"
    table.write_text(
        "people:\n  a: {roles: [ops_lead], region: eu}\n"
        "cases:\n  - {person: a, verb: view, region: eu, expect: refused}\n"
    )
    (result,) = run_table(load_authority(), table)
    assert (result.line, result.holds, result.found) == (4, False, "allowed by run.view")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cases:\n  - {person: a, verb: vieww, region: eu, expect: refused}\n", "verb"),
        ("people: {}\ncases:\n  - {person: a, verb: view, region: eu, expect: refused}\n", "not among `people`"),
        ("people: {}\ncases: []\n", "cases"),
        ("people: [", "1"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "table.yaml"
    table.write_text(text)
    with pytest.raises(PoliciesRefused, match=words):
        run_table(load_authority(), table)


def test_a_refusal_says_which_policy_what_it_wants_what_was_found_and_what_to_do() -> None:
    question = Question(COUNSEL, "decide", ask(seats=("ops_lead",)), "legal_counsel", "approve", "dev", True)
    verdict = load_authority().judge(question)
    assert verdict.refusal == "wrong_role"
    assert verdict.reason == (
        "policy `decide.seat` (decisions.cedar:3) wants a role of yours that has a seat at this option; found "
        'resource.seats = [ops_lead], context.role = "legal_counsel"; decide as one of the roles that are asked, or '
        "have somebody who holds one decide"
    )


def test_a_refusal_names_what_speaks_of_this_word_and_of_no_other() -> None:
    hold = ask(id="hold-1", kind="hold")
    verdict = load_authority().judge(
        Question(COUNSEL, "control", hold, role="ops_lead", option="renew", signed_in="oidc")
    )
    assert {one.policy for one in verdict.objections if not one.is_of_another_option} == {"hold.renew", "run.steer"}
    assert [f"`{name}`" in verdict.reason for name in ("hold.renew", "run.steer", "page.acknowledge")] == [
        True,
        True,
        False,
    ]
    nothing = load_authority().judge(
        Question(COUNSEL, "control", hold, role="ops_lead", option="no_such_word", signed_in="oidc")
    )
    assert nothing.reason, "where none speaks of it, what might have permitted it is named"


def test_a_regions_own_policy_narrows_and_its_permit_does_not_widen_a_forbid(tmp_path: Path) -> None:
    (tmp_path / "own.cedar").write_text(
        '@id("eu.two-signatures") @wants("a security key") @fix("sign in with your key") @refusal("not_signed_in")\n'
        'forbid (principal, action == Action::"release_hold", resource) when { context.signed_in != "webauthn" };\n'
        + NOTES
        + "permit (principal, action, resource);\n"
    )
    authority = load_authority(tmp_path)
    release = ask(kind="release", seats=("legal_counsel",))
    question = Question(COUNSEL, "release_hold", release, "legal_counsel", "release", "oidc")
    assert "eu.two-signatures" in {one.policy for one in authority.judge(question).objections}
    mine = ask(seats=("legal_counsel",), requester="counsel-1")
    assert not authority.judge(Question(COUNSEL, "decide", mine, "legal_counsel", "approve", "oidc")).allowed


def test_the_engine_refuses_what_a_regions_policy_would_permit(tmp_path: Path) -> None:
    (tmp_path / "own.cedar").write_text(NOTES + "permit (principal, action, resource);\n")
    question = Question(COUNSEL, "control", ask(kind="incident"), "legal_counsel", "abort", "oidc")
    verdict = load_authority(tmp_path).judge(question)
    assert verdict.allowed
    ruling = rule(question, verdict)
    assert not ruling.allowed
    assert ruling.reasons == ("engine: a run is steered by incident_commander, deputy, exec_sponsor",)


def test_the_simulator_gives_the_policies_and_the_engines_reasons(tmp_path: Path) -> None:
    ruling = rule_on_runbook(
        "eu-tco-removal-order", "counsel-1", "decide", "order_doubt", requester="counsel-1", home=tmp_path
    )
    assert ruling.allowed
    assert ruling.permits == ("decide.seat",)
    ruling = rule_on_runbook("eu-tco-removal-order", "ops-1", "decide", "order_doubt", home=tmp_path)
    assert [reason.partition(" ")[0] for reason in ruling.reasons] == ["policy", "engine:"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (NOTES + "permit (principal, action, resource) when { principal.rolez.isEmpty() };", 1, "`rolez`"),
        ("\n// why\n\n" + NOTES + "permit (principal, action foo resource);", 4, "foo"),
        ("permit (principal, action, resource);", 1, "lacks @id, @wants, @fix"),
        (NOTES.replace("own.rule", "Own Rule") + "permit (principal, action, resource);", 1, "is no id"),
        (NOTES.replace("own.rule", "run.view") + "permit (principal, action, resource);", 1, "is taken by runs.cedar"),
        (NOTES + "permit (principal, action, resource)", 1, "does not end with `;`"),
        (NOTES + 'permit (principal, action, resource) when { "open };', 2, "not closed"),
        (NOTES + 'permit (principal, action == Action::"fly", resource);', 1, "fly"),
    ],
)
def test_a_faulty_policy_is_refused_at_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    (tmp_path / "own.cedar").write_text(text)
    with pytest.raises(PoliciesRefused) as refused:
        load_authority(tmp_path)
    fault = refused.value.faults[0]
    assert (fault.file, fault.line) == ("own.cedar", line)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 20_000 + "true" + ")" * 20_000,
        "[" * 9_000 + "]" * 9_000 + " == 1",
        "true" + " && true" * 900,
        "if true then true else " * 300 + "true",
        "principal" + ".id" * 2_000,
        "!" * 3_000 + "true",
        '"' + "a" * 70_000 + '" == "a"',
    ],
    ids=["brackets", "sets", "ands", "ifs", "dots", "nots", "long"],
)
def test_a_hostile_policy_is_refused_before_the_parser_sees_it(tmp_path: Path, condition: str) -> None:
    (tmp_path / "own.cedar").write_text(f"{NOTES}permit (principal, action, resource) when {{ {condition} }};")
    with pytest.raises(PoliciesRefused, match=r"too large or too deep|more than"):
        load_authority(tmp_path)


def test_too_many_policies_are_refused(tmp_path: Path) -> None:
    one = "permit (principal, action, resource);\n"
    (tmp_path / "own.cedar").write_text("".join(NOTES.replace("own.rule", f"own.r{n}") + one for n in range(200)))
    with pytest.raises(PoliciesRefused, match="more than 200 policies"):
        load_authority(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.cedar").write_bytes(b"\xff\xfe")
    with pytest.raises(PoliciesRefused, match="UTF-8"):
        load_authority(tmp_path)
