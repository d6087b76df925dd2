"""No path reaches a gated action without a valid, unexpired grant over its inputs by enough different eligible people.

Random sequences of decisions (good, forged, stale, late, replayed), abstentions, withdrawals, delegations, narrowings,
passing time, changed inputs, restarts and revoked keys go through the very code that judges them in a run and at the
effect; an oracle of its own (`oracle`) says after each look whether the action may act. It must act exactly then.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from schemas.decision import DECISION, MOTION
from tests.workflows.oracle import EXCLUDED, GLASS, HOUR, REQUESTER, ROLES, SLOTS, Asked, Said, may_act
from watchfloor.signing import (
    SigningKey,
    action_digest,
    bind_grant,
    effect_key,
    envelope_digest,
    parse_instant,
    refuse_grant,
    render_instant,
    sign,
)
from workflows.human import Answer, Desk, HumanSteps, Patience
from workflows.journal import Journal

FACES = {"face": SigningKey.from_bytes(b"\x01" * 32), "other face": SigningKey.from_bytes(b"\x03" * 32)}
STRANGER = SigningKey.from_bytes(b"\x02" * 32)
PUBLIC = {key.kid: key.public for key in FACES.values()}
PATH, ACTION = "p/remove", "content.delete"
GLASS_AFTER = 600.0
FLAWS = ["", "", "", "", "", "", "", "stranger", "expired", "old", "other run", "tampered", "replay", "future"]


class Blocked(Exception):
    """The run waits; nothing is due."""


class Quiet:
    """Takes notices and sends none: there is no engine here."""

    def send(self, *_: Any, **__: Any) -> None:
        return None


class Gate:
    """A run at its gate, without an engine: the same handlers and rules, a clock that is moved by hand."""

    def __init__(self, slots: list[frozenset[str]], glass: bool) -> None:
        self.now = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
        self.slots, self.glass, self.version, self.round = slots, glass, 1, 0
        self.asks: dict[str, Asked] = {}
        self.said: list[Said] = []
        self.sent: list[tuple[dict[str, Any], Callable[[], Said]]] = []
        self.revoked: set[str] = set()
        self.acted, self.count, self.question = False, 0, ""
        self.items, self.narrowed, self.current = ["a", "b", "c"], None, ""
        self.desk = Desk("us", "n", "inc-1", "sha256:plan", "inc-1", REQUESTER, dict(PUBLIC))
        self.human = HumanSteps(self.desk, Journal(chain="inc-1", region="us"), Quiet())  # type: ignore[arg-type]
        self.human.shrunk = self.shrunk
        self.open()

    @property
    def inputs(self) -> dict[str, Any]:
        return {"url": "https://example.test/v/1", "version": self.version, "items": self.items}

    @property
    def key(self) -> str:
        place = {"region": "us", "incident": "inc-1", "plan": "sha256:plan"}
        return effect_key(**place, path=PATH, item=None, inputs=self.inputs, action=ACTION)

    def shrunk(self, ask: Any) -> None:
        """Less is asked now: what was said over more counts no more, but who abstained has abstained."""
        left, before = ask["inputs"]["items"], self.asks[self.current]
        assert 0 < len(left) < len(self.items), "a narrowing never grows and never empties"
        assert [one for one in self.items if one in left] == left
        self.said += [
            replace(one, ask=ask["ask"]) for one in self.said if (one.ask, one.what) == (self.current, "abstain")
        ]
        self.items, self.narrowed, self.round, self.current = left, ask["narrowed"], ask["round"], ask["ask"]
        self.asks[ask["ask"]] = replace(before, inputs=dict(ask["inputs"]))
        SEEN["narrowed"] += 1

    def open(self) -> None:
        slots = [{"any_of": sorted(slot)} for slot in self.slots]
        anyone = [{"any_of": sorted(set().union(*self.slots))}]
        options: dict[str, Any] = {"approve": slots, "deny": anyone}
        if self.glass:
            options["break_glass"] = [{"any_of": [GLASS]}]
        inputs = self.inputs
        ask = self.human.open(
            path=PATH,
            step="remove",
            kind="approval",
            title="remove",
            options=options,
            patience=Patience(within=3600.0),
            on_silence="",
            exclude=[EXCLUDED],
            action=ACTION,
            action_digest=action_digest(ACTION, self.key, inputs),
            inputs=inputs,
            narrows={"inputs": {"items": {"by": "items"}}, "item": None},
            narrowed=self.narrowed,
            round_=self.round,
            glass_after=GLASS_AFTER if self.glass else None,
        )
        glass = self.now + timedelta(seconds=GLASS_AFTER) if self.glass else None
        self.current = ask["ask"]
        self.asks.setdefault(ask["ask"], Asked(inputs, self.slots, self.now + HOUR, glass))

    # -- what people do -----------------------------------------------------------------------------------------------

    def speak(self, what: str, person: str, role: str, flaw: str, *, behalf: str = "", to: str = "") -> None:
        """Sign and send one statement; remember it when it was acknowledged."""
        if flaw == "replay":
            if self.sent:
                self.send(*self.sent[self.count % len(self.sent)])
            return
        self.count += 1
        digests = list(self.asks)
        ask = digests[0] if flaw == "old" else self.human.asks[PATH]["ask"]
        motion = what in {"abstain", "withdraw", "delegate", "question", "answer", "narrow"}
        expires = self.now + timedelta(minutes=-1 if flaw == "expired" else 5 if self.count % 3 else 200)
        name = "stranger" if flaw == "stranger" else ("face", "other face")[self.count % 2]
        body: dict[str, Any] = {
            "v": 1,
            "region": "us",
            "namespace": "n",
            "incident": "inc-2" if flaw == "other run" else "inc-1",
            "plan": "sha256:plan",
            "path": PATH,
            "ask": ask,
            "person": person,
            "role": role,
            "entity": "e",
            "signed_in": "dev",
            "issued_at": render_instant(self.now + timedelta(hours=3 if flaw == "future" else 0)),
            "expires_at": render_instant(expires),
            "nonce": f"n{self.count}",
            "reason_ref": "sha256:00",
        }
        if motion:
            left = {"rita": [*self.items, "d"], "olga": []}.get(to, self.items[1:])
            abouts: dict[str, dict[str, Any]] = {
                "delegate": {"to": to},
                "answer": {"question": self.question},
                "narrow": {"inputs": {"items": left}},
            }
            about = abouts.get(what, {})
            body |= {"verb": what, "about": about}
        else:
            body |= {"option": what, "form": {}, **({"on_behalf_of": behalf} if behalf else {})}
        envelope: dict[str, Any] = dict(sign(MOTION if motion else DECISION, body, FACES.get(name, STRANGER)))
        if what == "question":
            self.question = envelope_digest(envelope)  # type: ignore[arg-type]
        if flaw == "tampered":
            envelope["body"] = {**body, "person": "lena", "role": "legal_counsel"}
        truth = (what, person, role, ask, name, expires, behalf, to)
        self.sent.append((envelope, lambda: Said(self.now, *truth)))
        self.send(*self.sent[-1])

    def send(self, envelope: dict[str, Any], said: Callable[[], Said]) -> None:
        try:
            self.human.refuse(envelope)
            self.human.accept(envelope)
        except ApplicationError:
            return
        self.said.append(said())

    def anew(self) -> None:
        """Continue as new: only what is carried lives on, as JSON."""
        human = self.human
        kept = json.loads(json.dumps([human.asks, human.settled, human.silent, human.seen]))
        self.human = HumanSteps(self.desk, Journal(chain="inc-1", region="us"), Quiet(), **dict(zip(  # type: ignore[arg-type]
            ("asks", "settled", "silent", "seen"), kept, strict=True
        )))  # fmt: skip
        self.human.shrunk = self.shrunk

    # -- what the run does --------------------------------------------------------------------------------------------

    def look(self) -> str:
        """Go on as far as the run can now; gives what happened."""
        try:
            answer = self.answered()
        except Blocked:
            return "waits"
        if answer.option in {"approve", "break_glass"}:
            return self.act(answer)
        self.human.close(PATH)
        self.again()
        return "silent" if answer.option is None else "denied"

    def answered(self) -> Answer:
        async def wait(fn: Callable[[], bool], until: datetime | None = None) -> bool:
            if fn():
                return True
            if until is not None and self.now >= until:
                return False
            raise Blocked

        running = self.human.answer(PATH, wait)
        try:
            running.send(None)
        except StopIteration as end:
            found: Answer = end.value
            return found
        raise AssertionError("it waited for something else")

    def act(self, answer: Answer) -> str:
        ask = self.human.asks[PATH]
        if ask["action_digest"] != action_digest(ACTION, self.key, self.inputs):
            self.round = self.human.void(PATH, "changed")
            self.open()
            return "void"
        grant = bind_grant(ask, REQUESTER, str(answer.option))
        self.check_spoiled(grant)
        if self.refused(grant) is None:
            self.acted = True
            return "acted"
        self.human.close(PATH)
        self.again()
        return "refused"

    def again(self) -> None:
        self.round += 1
        self.open()

    def refused(self, grant: Any, **changes: Any) -> Any:
        keys = {key.kid: key.public for name, key in FACES.items() if name not in self.revoked}
        given = {"key": self.key, "inputs": self.inputs, "incident": "inc-1", **changes}
        try:
            return refuse_grant(grant, action=ACTION, region="us", plan="sha256:plan", keys=keys, tier="1", **given)
        except (KeyError, TypeError, ValueError) as error:
            return error

    def check_spoiled(self, grant: Any) -> None:
        """A grant that somebody has tampered with on its way lets nothing go ahead."""
        deadline = self.human.asks[PATH]["deadline_at"]
        for spoiled in (
            {**grant, "decisions": grant["decisions"][1:], "accepted_at": grant["accepted_at"][1:]},
            {**grant, "decisions": grant["decisions"] * 2, "accepted_at": grant["accepted_at"] * 2},
            {**grant, "accepted_at": [deadline] * len(grant["accepted_at"])},
            {**grant, "option": "deny"},
            {**grant, "covers": [action_digest(ACTION, "k", {"url": "another"})]},
            {**grant, "asked": {**grant["asked"], "options": {"approve": [{"any_of": [GLASS]}]}}},
            {**grant, "asked": {**grant["asked"], "exclude": []}},
        ):
            assert self.refused(spoiled) is not None, spoiled
        assert self.refused(grant, inputs={"url": "another"}) is not None
        assert self.refused(grant, inputs={**self.inputs, "items": [*self.items, "more"]}) is not None
        assert self.refused(grant, key="another") is not None
        assert self.refused(grant, incident="inc-2") is not None


PEOPLE = st.sampled_from(sorted(ROLES))
DECIDE = st.tuples(
    st.just("decide"), PEOPLE, st.integers(0, 1), st.sampled_from(["approve"] * 5 + ["deny", "break_glass"])
)
OPS = st.one_of(
    st.tuples(DECIDE, st.sampled_from(FLAWS), st.sampled_from(["", "", "", *sorted(ROLES)])),
    st.tuples(DECIDE, st.just(""), st.just("")),
    st.tuples(
        st.sampled_from(["abstain", "withdraw", "withdraw", "delegate", "delegate", "question", "answer", "narrow"]),
        PEOPLE,
        PEOPLE,
    ),
    st.tuples(st.just("pass"), st.sampled_from([1, 3, 11, 40, 59, 61])),
    st.tuples(st.sampled_from(["look", "look", "anew", "anew", "change", "revoke"])),
)
SEEN: Counter[str] = Counter()


def follow(slots: list[frozenset[str]], glass: bool, ops: list[Any]) -> None:
    """Carry out one sequence; after every look the engine and the oracle must agree."""
    with patch("temporalio.workflow.now", lambda: gate.now):
        gate = Gate.__new__(Gate)
        gate.now = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
        gate.__init__(slots, glass)  # type: ignore[misc]
        for op in [*ops, ("look",)]:
            carry_out(gate, op)
            if gate.acted:
                return


def carry_out(gate: Gate, op: Any) -> None:
    match op:
        case (("decide", person, number, option), flaw, behalf):
            holder = behalf or person
            role = ROLES[holder][number % len(ROLES[holder])]
            gate.speak(option, person, role, flaw, behalf=behalf)
        case ("pass", minutes):
            gate.now += timedelta(minutes=minutes)
        case ("look",):
            ready = may_act(
                gate.inputs,
                {gate.human.asks[PATH]["ask"]: gate.asks[gate.human.asks[PATH]["ask"]]},
                gate.said,
                gate.revoked,
            )
            happened = gate.look()
            SEEN[happened] += 1
            assert (happened == "acted") == ready, (happened, ready)
            if happened == "acted":
                assert may_act(gate.inputs, gate.asks, gate.said, gate.revoked)
        case ("anew",):
            gate.anew()
        case ("change",):
            gate.version += 1
        case ("revoke",):
            gate.revoked.add("other face")
        case (verb, person, to):
            gate.speak(verb, person, ROLES[person][0], "", to=to)


REVOKED_BEFORE = st.sampled_from([False, False, True])
"""Left to chance alone, a key is revoked between a word and its effect in 0 to 20 of 1,000 sequences."""
SEQUENCES = st.lists(OPS, min_size=3, max_size=25)


def run_sequences(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(st.sampled_from(SLOTS), st.booleans(), REVOKED_BEFORE, SEQUENCES)
    def run(slots: list[frozenset[str]], glass: bool, before: bool, ops: list[Any]) -> None:
        follow(slots, glass, [("revoke",), *ops] if before else ops)

    run()


@pytest.mark.timeout(600)
def test_no_sequence_of_events_reaches_the_action_without_its_grant() -> None:
    SEEN.clear()
    run_sequences(1000)
    # a search that never gets anywhere shows nothing
    assert min(SEEN[what] for what in ("acted", "waits", "denied", "silent", "void", "refused", "narrowed")) >= 3, SEEN


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_sequence_of_events_reaches_the_action_in_many_thousands(capsys: pytest.CaptureFixture[str]) -> None:
    SEEN.clear()
    run_sequences(20_000)
    with capsys.disabled():
        print(f"\n20,000 sequences at a gate: {dict(SEEN)}; the oracle agreed every time")


ONE = [frozenset({"legal_counsel"})]
TWO = [frozenset({"legal_counsel"}), frozenset({"legal_counsel", "incident_commander"})]
BROKEN = {
    "the requester": (ONE, [(("decide", "rita", 0, "approve"), "", "")]),
    "an excluded person": (ONE, [(("decide", "mallory", 0, "approve"), "", "")]),
    "another role": (ONE, [(("decide", "egon", 0, "approve"), "", "")]),
    "too few people": (TWO, [(("decide", "cora", 0, "approve"), "", "")]),
    "after the deadline": (ONE, [("pass", 61), (("decide", "lena", 0, "approve"), "", "")]),
    "after its own time": (ONE, [(("decide", "lena", 0, "approve"), "expired", "")]),
    "after abstaining": (ONE, [("abstain", "lena", "lena"), (("decide", "lena", 0, "approve"), "", "")]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_the_search_notices_a_rule_that_is_gone(name: str) -> None:
    """With the rules out of the code (who may answer, how many seats there are, the last look at the effect) the oracle
    sees the action act when it must not."""
    slots, ops = BROKEN[name]
    follow(slots, False, ops)
    with (
        patch("workflows.reception.refuse_decision", lambda *_, **__: None),
        patch("watchfloor.signing.blind.open_slots", lambda *_: []),
        patch(f"{__name__}.refuse_grant", lambda *_, **__: None),
        patch.object(Gate, "check_spoiled", lambda *_: None),
        patch.object(HumanSteps, "_fall_silent", lambda self, ask: pytest.skip("silence came first")),
        pytest.raises(AssertionError, match="acted"),
    ):
        follow(slots, False, ops)


def test_a_deadline_in_the_oracle_is_the_engines() -> None:
    """Both count the hour from the opening of the ask."""
    with patch("temporalio.workflow.now", lambda: datetime(2026, 11, 22, 3, 10, tzinfo=UTC)):
        gate = Gate(SLOTS[0], False)
    ask = gate.human.asks[PATH]
    assert parse_instant(str(ask["deadline_at"])) == gate.asks[ask["ask"]].deadline
