"""A blind second opinion: nobody can tell what another said before every seat has answered, and then everybody can."""

import copy
import json
from typing import Any

import pytest

from schemas.decision import DECISION, MOTION, OpenAsk
from tests.signing.test_gates import KEY, NOW, make_ask, make_decision
from tests.signing.test_motions import make_motion
from watchfloor.signing import refuse_decision, refuse_motion, render_instant, sign, take_motion
from watchfloor.signing.blind import blind_left, find_settled, is_over, mask
from watchfloor.signing.motions import find_climb
from watchfloor.signing.standing import can_be_decided

SEATS: list[Any] = [{"any_of": ["legal_counsel"]}, {"any_of": ["incident_commander", "exec_sponsor"]}]


def make_blind(**changes: Any) -> OpenAsk:
    return make_ask(blind=SEATS, **changes)


def choice() -> OpenAsk:
    return make_blind(kind="decide", options={"keep": SEATS, "remove": SEATS}, action="", action_digest="")


def give(of: OpenAsk, person: str, role: str, option: str) -> tuple[str, list[Any]]:
    body = make_decision(of, person=person, role=role, option=option, nonce=person)
    assert refuse_decision(of, body, requester="", now=NOW) is None
    of["answers"].append(sign(DECISION, dict(body), KEY))
    of["accepted_at"].append(render_instant(NOW))
    return find_settled(of, option)


def test_whether_an_ask_is_blind_is_bound_by_its_digest() -> None:
    assert make_blind()["ask"] != make_ask()["ask"]


@pytest.mark.parametrize("second", ["approve", "deny"])
def test_a_first_no_settles_nothing_and_counts_when_all_have_answered(second: str) -> None:
    ask = make_blind()
    assert give(ask, "counsel-1", "legal_counsel", "deny") == ("", SEATS[1:])
    assert not is_over(ask, "")
    assert give(ask, "exec-1", "exec_sponsor", second)[0] == "deny"
    assert is_over(ask, "deny")


def test_two_who_agree_have_decided() -> None:
    ask = make_blind()
    give(ask, "counsel-1", "legal_counsel", "approve")
    assert give(ask, "exec-1", "exec_sponsor", "approve") == ("approve", [])


def test_who_disagree_about_a_choice_have_chosen_nothing_and_it_is_open() -> None:
    ask = choice()
    give(ask, "counsel-1", "legal_counsel", "keep")
    chosen, _ = give(ask, "exec-1", "exec_sponsor", "remove")
    assert chosen == ""
    assert is_over(ask, "")
    ask["revealed_at"] = render_instant(NOW)
    assert give(ask, "counsel-2", "legal_counsel", "remove")[0] == "remove"


def test_the_glass_waits_for_nobody() -> None:
    ask = make_blind(glass_from=render_instant(NOW))
    ask["options"]["break_glass"] = [{"any_of": ["incident_commander"]}]
    give(ask, "counsel-1", "legal_counsel", "deny")
    assert give(ask, "ic-1", "incident_commander", "break_glass")[0] == "break_glass"


def everything_seen(first: str) -> str:
    """All that others can see or provoke after one counsel answered `first`."""
    ask = choice() if first in {"keep", "remove"} else make_blind()
    rungs: Any = [{"at": "2026-11-22T03:30:00Z", "kind": "escalate", "roles": ["deputy"]}]
    ask.update(ladder=rungs, climbed=0)
    give(ask, "counsel-1", "legal_counsel", first)
    seen: list[Any] = [mask(ask), blind_left(ask)]
    for person, role in (("counsel-2", "legal_counsel"), ("exec-1", "exec_sponsor"), ("counsel-1", "legal_counsel")):
        for option in ask["options"]:
            body = make_decision(ask, person=person, role=role, option=option, nonce="x")
            refusal = refuse_decision(ask, body, requester="", now=NOW)
            seen.append([person, option, refusal and [refusal.type, refusal.message]])
        for verb in ("abstain", "delegate", "question"):
            body_ = make_motion(
                ask, verb, person=person, role=role, about={"to": "desk-1"} if verb == "delegate" else {}
            )
            said = refuse_motion(ask, body_, requester="", now=NOW)
            seen.append([person, verb, said and [said.type, said.message]])
    holders = {"counsel-1": ["legal_counsel"], "exec-1": ["exec_sponsor"], "ic-1": ["incident_commander"]}
    seen.append(can_be_decided(ask, holders, ""))
    away = make_motion(ask, "abstain", person="exec-1", role="exec_sponsor", about={"holders": holders})
    take_motion(ask, sign(MOTION, dict(away), KEY), NOW)
    seen.append(find_climb(ask, away, ""))
    after = copy.deepcopy(ask)
    chosen, left = give(after, "ic-1", "incident_commander", next(iter(ask["options"])))
    assert left == [] or chosen == ""
    return json.dumps(seen, default=str)


@pytest.mark.parametrize(("one", "other"), [("approve", "deny"), ("keep", "remove")])
def test_nothing_that_others_see_or_provoke_depends_on_what_was_said(one: str, other: str) -> None:
    assert everything_seen(one) == everything_seen(other)


def test_a_board_says_only_how_many_have_answered() -> None:
    ask = make_blind()
    give(ask, "counsel-1", "legal_counsel", "approve")
    ask["sealed"] = [{"kind": "decision.recorded", "actor": "counsel-1", "data": {}, "accepted_at": ""}]
    back = make_motion(ask, "withdraw", person="counsel-9")
    take_motion(ask, sign(MOTION, dict(back), KEY), NOW)
    shown = mask(ask)
    assert shown["answered"] == 1
    assert "counsel-1" not in json.dumps(shown)
    assert "counsel-9" not in json.dumps(shown)
    assert len(shown["motions"]) == len(shown["moved_at"]) == 0
    assert len(ask["answers"]) == 1, "the ask itself keeps everything"
    ask["revealed_at"] = render_instant(NOW)
    assert mask(ask) is ask
