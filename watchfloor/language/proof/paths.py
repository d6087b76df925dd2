"""By which ways each step of a plan is reached, and what surely happened before.

An abstract walk over the structured control flow of a plan: branches merge, loops are walked until nothing changes,
failures go to the handler that takes them. A failure without a handler asks the commander and is no written way; so is
what follows a `stop`. The result is exact but for conditions: a condition that names a step whose silence is open
keeps that silence out unless it asks for it (`status`, `timed_out`); otherwise conditions may hold or not.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from schemas.plan import Expr, Plan, Step
from watchfloor.language.proof.walk import Edge, every_step, facts_in, roots_of

NOTHING: frozenset[str] = frozenset()
_PROOF = re.compile(r"has\(steps\.(\w+)\.(\w+)\)|steps\.(\w+)\.ok", re.ASCII)


class Silence(NamedTuple):
    """Nobody said anything at a step: its id, and the word of the runbook under which the run went on."""

    step: str
    word: str


@dataclass(frozen=True, slots=True)
class State:
    """What may and must be true on every way that arrives.

    Attributes:
        silences: open on some way: no person has said yes since.
        done: steps that surely succeeded, on every way, in this iteration.
        tried: steps that were surely begun, on every way, in this iteration, whatever came of them.
        recorded: facts that were surely recorded by a step, on every way.
        begun: facts that some way has recorded.
        edges: kinds of blocks that some way has entered and not left.
    """

    silences: frozenset[Silence] = frozenset()
    done: frozenset[str] = NOTHING
    tried: frozenset[str] = NOTHING
    recorded: frozenset[str] = NOTHING
    begun: frozenset[str] = NOTHING
    edges: frozenset[Edge] = frozenset()

    def decided(self) -> "State":
        """A person has decided: what was silent before no longer matters."""
        return replace(self, silences=frozenset())

    def silent(self, step: str, word: str) -> "State":
        return replace(self, silences=self.silences | {Silence(step, word)})

    def through(self, edge: Edge) -> "State":
        return replace(self, edges=self.edges | {edge})

    def having(self, step: str, facts: Iterable[str]) -> "State":
        """The step succeeded and recorded its facts."""
        names = frozenset(facts)
        return replace(self, done=self.done | {step}, recorded=self.recorded | names, begun=self.begun | names)


def merge(states: Iterable[State | None]) -> State | None:
    """All ways together; None when there is none."""
    found: State | None = None
    for state in states:
        if state is None or found is None:
            found = found or state
            continue
        found = State(
            found.silences | state.silences,
            found.done & state.done,
            found.tried & state.tried,
            found.recorded & state.recorded,
            found.begun | state.begun,
            found.edges | state.edges,
        )
    return found


class Thrown(NamedTuple):
    """A failure on its way to a handler; `code` is None for any that is not named here."""

    code: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Paths:
    """Block path of each step that can be reached -> the state of all ways to it; the same after it is done."""

    before: dict[str, State]
    after: dict[str, State]
    ends: dict[str, list[tuple[str, State]]]
    """Root (`""` for the phases, `alongside/<id>`) -> how each of its written ways ends, and the id of the step that
    ends the run there; empty at the end of the root."""


def find_paths(plan: Plan, entry: State | None = None) -> Paths:
    """Walk the phases and every track.

    Args:
        entry: what is open when the run begins, of one that another run starts.
    """
    walker = _Walker()
    begun = entry or State()
    walker.root("", roots_of(plan)[0][1], begun)
    # a fact that was recorded in silence fires its tracks in silence
    for _ in range(len(plan["tracks"]) + 1):
        open_ = dict(walker.facts)
        for track in plan["tracks"]:
            fact = track.get("on_fact")
            names = {fact} if fact else facts_in(track["when"]["vars"])
            silences = frozenset[Silence]().union(*(open_.get(name, frozenset()) for name in names if name))
            walker.root(f"alongside/{track['id']}", track["steps"], State(silences=silences | begun.silences))
        if walker.facts == open_:
            break
    return Paths(walker.before, walker.after, walker.ends)


class _Walker:
    def __init__(self) -> None:
        self.before: dict[str, State] = {}
        self.after: dict[str, State] = {}
        self.ends: dict[str, list[tuple[str, State]]] = {}
        self.facts: dict[str, frozenset[Silence]] = {}
        self._root = self._at = ""
        self._thrown: list[list[Thrown]] = []

    def root(self, name: str, steps: Sequence[Step], state: State) -> State | None:
        self._root, self.ends[name] = name, []
        left = self.walk(steps, state)
        if left is not None:
            self.ends[name].append(("", left))
        return left

    def walk(self, steps: Sequence[Step], state: State | None) -> State | None:
        for step in steps:
            if state is None:
                return None
            state = self.step(step, state)
        return state

    def step(self, step: Step, state: State) -> State | None:
        whole: Any = step
        inner = replace(_guard(step["cond"], state), tried=state.tried | {step["id"]})
        self.before[step["path"]] = merge((self.before.get(step["path"]), inner)) or inner
        carry: Callable[[Any, State], tuple[State | None, State | None]] = getattr(self, f"_{whole['kind']}")
        handlers = whole.get("catches", ())
        self._at = step["id"]
        handled = step["on_error"] != "fail" or bool(handlers)
        if handled:
            self._thrown.append([])
        done, aside = carry(step, inner)
        if step["timeout"] is not None and whole["kind"] != "action" and _asks_inside(step):
            self._throw("timed_out", inner.silent(step["id"], "timeout"))
        recovered = self._recover(step, handlers, self._thrown.pop()) if handled else None
        if done is not None:
            done = done.having(step["id"], step["records"])
            self.after[step["path"]] = merge((self.after.get(step["path"]), done)) or done
            for fact in step["records"]:
                self.facts[fact] = self.facts.get(fact, frozenset()) | done.silences
        skipped = state if step["cond"] is not None else None
        return merge((done, aside, recovered, skipped))

    def _recover(self, step: Step, handlers: Sequence[Any], thrown: Sequence[Thrown]) -> State | None:
        """What goes on after a failure: the first catch that names it, else `on_error`."""
        left: list[State | None] = []
        rest: list[State] = []
        caught: dict[int, list[State]] = {}
        for failure in thrown:
            number = _handler_for(failure.code, handlers)
            if _may_pass(failure.code, handlers):
                rest.append(failure.state)
            if number is not None:
                caught.setdefault(number, []).append(failure.state)
        for number, states in caught.items():
            begun = merge(states)
            left.append(self.walk(handlers[number]["steps"], begun.through("catch") if begun else None))
        begun = merge(rest)
        if begun is not None:
            if step["on_error"] == "continue":
                left.append(begun)
            elif isinstance(step["on_error"], str):
                for state in rest:
                    self._throw(None, state)
            else:
                left.append(self.walk(step["on_error"], begun.through("error")))
        return merge(left)

    def _throw(self, code: str | None, state: State) -> None:
        if self._thrown:
            self._thrown[-1].append(Thrown(code, state))

    def _course(self, course: str | Sequence[Step], state: State, edge: Edge, code: str | None) -> State | None:
        if course == "continue" or course == "keep":  # noqa: PLR1714 - a list of steps has no hash
            return state
        if course == "fail":
            self._throw(code, state)
            return None
        if isinstance(course, str):
            self.ends[self._root].append((self._at, state))
            return None
        return self.walk(course, state.through(edge))

    # one method for each kind: the state on which the step is done, and of the ways that go past it

    def _action(self, step: Any, state: State) -> tuple[State | None, State | None]:
        gate = step["approval"]
        aside = None
        if gate is not None:
            quiet = self._course(
                gate["on_silence"]["then"], state.silent(step["id"], "on_silence"), "silence", "silent"
            )
            aside = merge((quiet, self._course(gate["on_deny"], state, "deny", "denied")))
            state = state.decided()
        self._throw(None, state)
        for review in (step.get("review"), gate.get("break_glass") and gate["break_glass"]["review"] if gate else None):
            if review and not isinstance(review["on_deny"], str):
                self.walk(review["on_deny"], state.decided().through("deny"))
        return state, aside

    def _decide(self, step: Any, state: State) -> tuple[State | None, State | None]:
        chosen = state.decided()
        ways = [self.walk(option["steps"], chosen.through("option")) for option in step["options"].values()]
        quiet = state.silent(step["id"], "on_silence")
        return merge(ways), self._course(step["on_silence"]["then"], quiet, "silence", "silent")

    def _task(self, step: Any, state: State) -> tuple[State | None, State | None]:
        quiet = state.silent(step["id"], "on_silence")
        return state.decided(), self._course(step["on_silence"]["then"], quiet, "silence", "silent")

    def _wait(self, step: Any, state: State) -> tuple[State | None, State | None]:
        if step["within"] is None:
            return state, None
        late = state.silent(step["id"], "on_timeout")
        return state, self._course(step["on_timeout"], late, "timeout", "timed_out")

    def _parallel(self, step: Any, state: State) -> tuple[State | None, State | None]:
        branches: list[list[Step]] = list(step["branches"].values())
        if step["join"] == "any":
            ways: list[State | None] = []
            for branch in branches:
                others = [each for each in branches if each is not branch]
                raced = any(_asks_inside(inner) for other in others for inner in other)
                begun = state.silent(step["id"], "join: any") if raced else state
                ways.append(self.walk(branch, begun.through("branch")))
            return merge(ways), None
        left = [self.walk(branch, state.through("branch")) for branch in branches]
        if any(way is None for way in left):
            return None, None
        ways_in = [way for way in left if way is not None]
        kept = frozenset.intersection(*(way.silences & state.silences for way in ways_in))
        new = frozenset[Silence]().union(*(way.silences - state.silences for way in ways_in))
        both: dict[str, Any] = {
            name: frozenset[str]().union(*(getattr(way, name) for way in ways_in))
            for name in ("done", "tried", "recorded", "begun")
        }
        return State(silences=kept | new, edges=state.edges, **both), None

    def _for_each(self, step: Any, state: State) -> tuple[State | None, State | None]:
        self._thrown.append([])
        inner = self._loop(step["steps"], state)
        thrown = self._thrown.pop()
        if step["on_item_error"] == "fail":
            for failure in thrown:
                self._throw(None if failure.code is None else "item_failed", failure.state)
        # an item that is set aside, silent or not, takes nothing with it; the list may be empty
        left = merge((inner, state)) or state
        return replace(left, done=state.done, tried=state.tried, edges=state.edges), None

    def _loop(self, steps: Sequence[Step], state: State) -> State | None:
        """A body until nothing changes: what is open at its end is open at its next beginning."""
        entry, left = state, None
        for _ in range(8):
            left = self.walk(steps, entry.through("body"))
            again = merge(
                (entry, replace(left, done=state.done, tried=state.tried, edges=state.edges) if left else None)
            )
            if again is None or again == entry:
                break
            entry = again
        return left

    def _repeat(self, step: Any, state: State) -> tuple[State | None, State | None]:
        inner = self._loop(step["steps"], state)
        if inner is None:
            return None, None
        inner = replace(inner, edges=state.edges)
        quiet = inner.silent(step["id"], "on_exhausted")
        return inner, self._course(step["on_exhausted"], quiet, "exhausted", "exhausted")

    def _choose(self, step: Any, state: State) -> tuple[State | None, State | None]:
        ways = [self.walk(case["steps"], _guard(case["when"], state).through("case")) for case in step["cases"]]
        last = step["otherwise"]
        ways.append(self.walk(last, state.through("case")) if last is not None else state)
        return merge(ways), None

    def _hold(self, step: Any, state: State) -> tuple[State | None, State | None]:
        self._throw(None, state)
        return state, None

    def _handoff(self, step: Any, state: State) -> tuple[State | None, State | None]:
        if isinstance(step["fallback"], str):
            return state.decided(), self._course(step["fallback"], state, "fallback", "unanswered")
        quiet = self.walk(step["fallback"], state.silent(step["id"], "fallback").through("fallback"))
        # what the run does by itself afterwards it does whether another region answers or not
        mark = Silence(step["id"], "fallback")
        return state.decided(), replace(quiet, silences=quiet.silences - {mark}) if quiet is not None else None

    def _postmortem(self, step: Any, state: State) -> tuple[State | None, State | None]:
        return state, None

    def _stop(self, step: Any, state: State) -> tuple[State | None, State | None]:
        self.ends[self._root].append((step["id"], state))
        return None, None

    def _try(self, step: Any, state: State) -> tuple[State | None, State | None]:
        self._thrown.append([])
        done = self.walk(step["steps"], state.through("body"))
        thrown = self._thrown.pop()
        # what leaves the body unnamed, and what fails in a handler, goes on after `finally`
        self._thrown.append([failure for failure in thrown if _may_pass(failure.code, step["handlers"])])
        caught: dict[int, list[State]] = {}
        for failure in thrown:
            number = _handler_for(failure.code, step["handlers"])
            if number is not None:
                caught.setdefault(number, []).append(failure.state)
        left: list[State | None] = []
        for number, states in caught.items():
            begun = merge(states)
            left.append(self.walk(step["handlers"][number]["steps"], begun.through("catch") if begun else None))
        for failure in self._thrown.pop():
            after = self.walk(step["finally_"], failure.state.through("final"))
            if after is not None:
                self._throw(failure.code, after)
        return self.walk(step["finally_"], done), self.walk(step["finally_"], merge(left))

    def _run(self, step: Any, state: State) -> tuple[State | None, State | None]:
        if step["reroute"]:
            self.ends[self._root].append((step["id"], state))
            return None, None
        self._throw(None, state)
        return state, None


def _handler_for(code: str | None, handlers: Sequence[Any]) -> int | None:
    """The first handler that names the failure; a failure without a name may be taken by the first of any."""
    for number, handler in enumerate(handlers):
        if "any" in handler["on"] or code is None or code in handler["on"]:
            return number
    return None


def _may_pass(code: str | None, handlers: Sequence[Any]) -> bool:
    """Whether a failure may be one that no handler names."""
    if code is None:
        return not any("any" in handler["on"] for handler in handlers)
    return _handler_for(code, handlers) is None


def _guard(cond: Expr | None, state: State) -> State:
    """The state under a condition: it keeps out the silence of a step whose answer it reads, and a step whose output is
    there has been done."""
    if cond is None:
        return state
    state = replace(state, done=state.done | _proven(cond))
    if not state.silences:
        return state
    kept = frozenset(silence for silence in state.silences if not _excludes(cond, silence.step))
    return replace(state, silences=kept)


def _proven(cond: Expr) -> frozenset[str]:
    """Steps that were surely done when a condition holds: it is, or is joined by `&&` to, `steps.x.ok` or a `has()` of
    something that only a step which was done has."""
    if "||" in cond["src"] or "?" in cond["src"]:
        return NOTHING
    parts = (_PROOF.fullmatch(part.strip()) for part in cond["src"].split("&&"))
    return frozenset(found[1] or found[3] for found in parts if found and found[2] not in {"ok", "status", "at"})


def _excludes(cond: Expr, step: str) -> bool:
    """Whether a condition cannot hold after this step's silence: it reads the answer, which is then not there."""
    prefix = f"steps.{step}."
    read = {name.removeprefix("has.").removeprefix(prefix) for name in cond["vars"] if prefix in name}
    if read - {"status", "timed_out", "at", "rounds"}:
        return True
    text = cond["src"].replace(" ", "")
    if "timed_out" in read:
        return f"!{prefix}timed_out" in text or f"{prefix}timed_out==false" in text
    return "status" in read and f'{prefix}status=="done"' in text.replace("'", '"')


def _asks_inside(step: Step) -> bool:
    """Whether people are asked in this step or below it."""
    for each in every_step([step]):
        if each["kind"] in {"decide", "task"} or (each["kind"] == "action" and each["approval"] is not None):
            return True
    return False
