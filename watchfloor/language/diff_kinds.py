"""Comparing steps of every kind but actions and questions to people: one function for each kind."""

from collections.abc import Iterator
from typing import Any

from watchfloor.language.diff_gates import COURSE, word
from watchfloor.language.diff_laws import compare_laws
from watchfloor.language.diff_model import Pair, Verdict
from watchfloor.language.diff_rules import (
    LOOK,
    STRONGER,
    WEAKER,
    below,
    condition,
    differs,
    length,
    members,
    ranked,
    seats,
)


def wait(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    for key, written in (("for_", "for"), ("within", "within")):
        said = f"the wait's `{written}`"
        yield from below(length(pair, old[key], new[key], "time.wait", said, longer=LOOK), "wait", written)
    yield from below(
        condition(old["until"], new["until"], "condition.until", "what is waited for", wider=LOOK, narrower=LOOK),
        "wait",
        "until",
    )
    yield from below(
        differs(old["fact"], new["fact"], "fact.wait", "it waits for another fact", WEAKER), "wait", "fact"
    )
    yield from below(
        ranked(
            word(old["on_timeout"]),
            word(new["on_timeout"]),
            COURSE,
            "silence.on_timeout",
            "what comes when time ran out",
        ),
        "wait",
        "on_timeout",
    )


def parallel(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    yield from below(
        ranked(old["join"], new["join"], {"all": 1, "any": 0}, "loop.join", "when it goes on"), "parallel", "join"
    )
    gone, fresh = (LOOK, "the branch {} is gone"), (LOOK, "the branch {} is new")
    yield from below(
        members(old["branches"], new["branches"], "loop.branches", gone=gone, fresh=fresh), "parallel", "branches"
    )


def for_each(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    ranks = {"fail": 1, "collect": 0}
    said = "what a failed item leads to"
    yield from below(
        ranked(old["on_item_error"], new["on_item_error"], ranks, "loop.on_item_error", said),
        "for_each",
        "on_item_error",
    )
    yield from below(differs(old["in_"], new["in_"], "loop.in", "it goes over other items"), "for_each", "in")
    yield from below(differs(old["at_once"], new["at_once"], "time.at_once", "how many at once"), "for_each", "at_once")


def choose(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    before, after = ([case["when"] for case in each["cases"]] for each in (old, new))
    yield from below(differs(before, after, "condition.when", "other cases, or in another order"), "choose")
    otherwise = old["otherwise"] is not None, new["otherwise"] is not None
    yield from below(differs(*otherwise, "condition.otherwise", "whether there is an `otherwise`"), "choose")


def repeat(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    said = "what ends the loop"
    yield from below(
        condition(old["until"], new["until"], "loop.until", said, wider=WEAKER, narrower=STRONGER), "repeat", "until"
    )
    yield from below(
        length(pair, old["every"], new["every"], "time.every", "the pause", longer=LOOK), "repeat", "every"
    )
    yield from below(differs(old["times"], new["times"], "time.rounds", "how many rounds"), "repeat", "times")
    yield from below(
        ranked(
            word(old["on_exhausted"]),
            word(new["on_exhausted"]),
            COURSE,
            "silence.on_exhausted",
            "what comes when the rounds are used up",
        ),
        "repeat",
        "on_exhausted",
    )


def hold(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    made: list[Verdict] = [
        *below(differs(old["basis"], new["basis"], "hold.basis", "held on another basis"), "basis"),
        *below(compare_laws(old["law"], new["law"], "hold.length"), "basis"),
        *below(
            members(
                old["scope"],
                new["scope"],
                "hold.scope",
                gone=(WEAKER, "no longer held: {}"),
                fresh=(STRONGER, "also held: {}"),
            ),
            "scope",
        ),
        *below(
            members(
                old["sources"],
                new["sources"],
                "hold.sources",
                gone=(WEAKER, "deletion goes on at {}"),
                fresh=(STRONGER, "deletion is also frozen at {}"),
            ),
            "sources",
        ),
        *below(
            ranked(
                old["storage"], new["storage"], {"compliance": 1, "governance": 0}, "hold.storage", "the kind of lock"
            ),
            "storage",
        ),
        *below(seats(old["release"], new["release"], "hold.release", "the release of the hold"), "release"),
    ]
    for name in [each for each in old["scope"] if each in new["scope"]]:
        sources = old["scope"][name], new["scope"][name]
        made += below(differs(*sources, "hold.scope", f"`{name}` is another list"), "scope", name)
    yield from below(made, "hold")


def handoff(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    made: list[Verdict] = [
        *below(differs(old["to"], new["to"], "share.to", "it goes to another region", WEAKER), "to"),
        *below(differs(old["mode"], new["mode"], "handoff.mode", "who commands afterwards"), "mode"),
        *below(
            members(
                [each["label"] for each in old["share"]],
                [each["label"] for each in new["share"]],
                "share.new",
                gone=(STRONGER, "no longer crosses: {}"),
                fresh=(WEAKER, f"now crosses to `{new['to']}`: {{}}"),
            ),
            "share",
        ),
        *below(
            length(pair, old["accept_within"], new["accept_within"], "handoff.within", "the time to accept"),
            "accept_within",
        ),
        *below(seats(old["slots"], new["slots"], "handoff.seats", "the acceptance"), "from"),
        *below(
            ranked(
                word(old["fallback"]), word(new["fallback"]), COURSE, "handoff.fallback", "what no acceptance leads to"
            ),
            "fallback",
        ),
    ]
    yield from below(made, "handoff")


def postmortem(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    yield from below(
        seats([old["facilitator"]], [new["facilitator"]], "review.facilitator", "the lead of the review"),
        "postmortem",
        "facilitator",
    )
    days = old["business_days"], new["business_days"]
    if None not in days and days[0] != days[1]:
        danger = WEAKER if days[1] > days[0] else STRONGER
        yield Verdict(
            danger,
            "review.within",
            "the review is due at another time",
            old["within_text"],
            new["within_text"],
            ("postmortem", "within"),
        )
    elif old["within_text"] != new["within_text"]:
        yield from below(
            length(pair, old["within"], new["within"], "review.within", "the review's window", shorter=STRONGER),
            "postmortem",
            "within",
        )


def stop(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    yield from below(differs(old["outcome"], new["outcome"], "step.outcome", "it ends with another outcome"), "stop")


def try_(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    gone, fresh = (WEAKER, "{} is no longer taken back on failure"), (STRONGER, "{} is also taken back on failure")
    yield from below(members(old["undo"], new["undo"], "undo.try", gone=gone, fresh=fresh), "try", "undo")
    caught = [each["on"] for each in old["handlers"]], [each["on"] for each in new["handlers"]]
    yield from below(differs(*caught, "error.catch", "failures are caught otherwise"), "try", "catch")


def run(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    yield from below(differs(old["runbook"], new["runbook"], "run.runbook", "it starts another runbook"), "run")
    if old["runbook"] == new["runbook"]:
        yield from below(differs(old["plan"], new["plan"], "run.plan", "the runbook it starts has changed"), "run")
    yield from below(
        ranked(
            str(old["wait"]),
            str(new["wait"]),
            {"True": 1, "False": 0},
            "run.wait",
            "whether it waits for the other run",
        ),
        "wait",
    )
    yield from below(
        differs(old["reroute"], new["reroute"], "run.reroute", "whether the incident itself moves"), "reroute"
    )
