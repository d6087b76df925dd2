"""How bad it is, and whether it is a case or an incident: judged anew on every fact, moved by people within limits.

    level   = the plan's level, or the score while all its dimensions are known, raised to the floors that hold
            | lowered by two people: stands until a floor holds that they did not know, or the score is worse than then
            | raised by anybody: stands until two people lower it

A score may rise and fall with the facts, never below a floor that was reached once; without a score severity never
falls by itself. While `unverified` holds, what is S0 or S1 never falls by itself either: low confidence lowers nothing,
it adds the tag. A case becomes an incident as soon as its condition holds or a person declares it, and stays one.
Ledger entry: `severity.set`, with what moved it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.incident import TriageState
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Expr
from watchfloor.signing import digest
from workflows.attention import Attention
from workflows.halt import StepFailed
from workflows.run import Run
from workflows.scope import Frame

WEIGHTS = {"I": 5, "H": 5, "V": 3, "R": 3, "C": 2, "E": 2}
"""What each dimension, 0 to 5, counts in the score."""
LEVELS = ((75, "S0"), (55, "S1"), (35, "S2"), (15, "S3"), (0, "S4"))
"""The least score of each level."""
SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
UNVERIFIED = "unverified"
_GRAVE = ("S0", "S1")


@dataclass(frozen=True, slots=True)
class Judged:
    """What facts say, before any person: the level, and the conditions of the floors that hold."""

    level: str
    floors: tuple[str, ...]


class Floors:
    """Keeps severity, tag and mode true; see the module's docstring."""

    def __init__(self, run: Run, on_change: Callable[[], None]) -> None:
        self._run = run
        self._frame = Frame(halt=run.root)
        self._on_change = on_change
        conditions: list[Expr | None] = [floor["when"] for floor in run.plan["floors"]]
        score = run.plan.get("score") or {}
        self._attention = Attention(
            run, [*conditions, *score.values(), run.plan.get("mode_when"), run.plan.get("unverified")]
        )
        self._seen = ""

    def look(self) -> None:
        """Judge anew when a fact was written or a person has moved it; `S0` is the most severe."""
        moved = digest(self._run.state["triage"]) if "triage" in self._run.state else ""
        if not self._attention.is_due() and moved == self._seen:
            return
        self._seen = moved
        self._look_at_mode()
        run = self._run
        doubted = self._look_at_tag()
        judged = judge(run, self._frame)
        level, cause = settle(run, judged)
        before = run.state["severity"]
        if doubted and before in _GRAVE and level > before and cause != "lowered":
            level = before
        if level != before:
            run.state["severity"] = level
            run.notices.severity = level
            said = run.state.get("triage", {}).get("said", {}) if cause else {}
            run.note(EntryKind.SEVERITY, severity=level, before=before, **({"cause": cause, **said} if cause else {}))
            self._on_change()

    def _look_at_tag(self) -> bool:
        """Whether what is known is doubtful now."""
        when = self._run.plan.get("unverified")
        if when is None:
            return False
        doubted = self._run.holds(when, self._frame)
        triage = self._run.state.get("triage", {})
        if doubted != (UNVERIFIED in triage.get("tags", [])):
            self._run.state.setdefault("triage", {})["tags"] = [UNVERIFIED] if doubted else []
            self._run.note(EntryKind.BRANCH, path="severity", taken=UNVERIFIED if doubted else "verified")
            self._on_change()
        return doubted

    def _look_at_mode(self) -> None:
        run = self._run
        when = run.plan.get("mode_when")
        if when is None or run.plan["mode"] == "incident" or "!mode" in run.state["taken"]:
            return
        if run.holds(when, self._frame):
            run.state["taken"]["!mode"] = "incident"
            run.note(EntryKind.BRANCH, path="mode", taken="incident")
            self._on_change()


def judge(run: Run, frame: Frame) -> Judged:
    """The level that the facts give; remembers floors that are reached where a score could fall below them."""
    has_score = bool(run.plan.get("score"))
    wanted = _find_level(run, frame)
    holding: list[str] = []
    for floor in run.plan["floors"]:
        reached = run.state["taken"].get(f"!floor/{floor['at_least']}") == "yes"
        holds = False
        if (floor["at_least"] < wanted or has_score or "triage" in run.state) and (
            reached or (holds := run.holds(floor["when"], frame))
        ):
            if has_score:
                run.state["taken"][f"!floor/{floor['at_least']}"] = "yes"
            wanted = min(wanted, floor["at_least"])
        if holds or (reached and run.holds(floor["when"], frame)):
            holding.append(floor["when"]["src"])
    return Judged(wanted, tuple(holding))


def settle(run: Run, judged: Judged) -> tuple[str, str]:
    """The level with what people have said, and what of theirs made it so (empty when the facts did)."""
    triage: TriageState = run.state.get("triage", {})
    level, cause = judged.level, ""
    lowered = triage.get("lowered")
    if lowered:
        fresh = [
            floor["when"]["src"]
            for floor in run.plan["floors"]
            if floor["at_least"] < lowered["to"]
            and floor["when"]["src"] in judged.floors
            and floor["when"]["src"] not in lowered["floors"]
        ]
        if level < lowered["over"] or fresh:
            del triage["lowered"]
            triage["said"] = {}
            cause = "new fact"
        elif level <= lowered["to"]:
            level, cause = lowered["to"], "lowered"
    raised = triage.get("raised", "")
    if raised and raised < level:
        level, cause = raised, "raised"
    return level, cause


def find_life_floors(run: Run) -> list[str]:
    """The conditions of the life-safety overrides (floors at S0) that hold and that nobody has cleared."""
    frame = Frame(halt=run.root)
    lowered = run.state.get("triage", {}).get("lowered")
    cleared = lowered["floors"] if lowered else []
    return [
        floor["when"]["src"]
        for floor in run.plan["floors"]
        if floor["at_least"] == "S0" and floor["when"]["src"] not in cleared and run.holds(floor["when"], frame)
    ]


def lower(run: Run, level: str, said: dict[str, Json]) -> None:
    """Two people have lowered it: over what the facts say now, until they say something worse."""
    judged = judge(run, Frame(halt=run.root))
    triage = run.state.setdefault("triage", {})
    triage.pop("raised", None)
    triage["lowered"] = {"to": level, "over": min(judged.level, run.state["severity"]), "floors": list(judged.floors)}
    triage["said"] = said


def lift(run: Run, level: str, said: dict[str, Json]) -> None:
    """A person has raised it."""
    triage = run.state.setdefault("triage", {})
    triage.pop("lowered", None)
    triage["raised"], triage["said"] = level, said


def _find_level(run: Run, frame: Frame) -> str:
    """The level before the floors."""
    score = run.plan.get("score") or {}
    if not score:
        return run.state["severity"] or run.plan["severity"]
    total = 0
    for name, weight in WEIGHTS.items():
        try:
            value = run.find_present(score[name], frame) if name in score else None
        except StepFailed:
            value = None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return run.plan["severity"]
        total += weight * int(min(max(value, 0), 5))
    return next(level for least, level in LEVELS if total >= least)
