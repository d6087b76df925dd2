"""Comparing everything of a runbook but its steps: clocks, facts, tracks, severity, regions, inputs, closing."""

from collections.abc import Iterator
from typing import Any

from schemas.plan import ClockPlan, FactSpec, Track, TypeSpec
from watchfloor.language.diff_laws import compare_laws, describe_law
from watchfloor.language.diff_model import Danger, Pair, Verdict, render_value
from watchfloor.language.diff_rules import (
    LOOK,
    STRONGER,
    WEAKER,
    below,
    condition,
    differs,
    instants,
    length,
    members,
    ranked,
)

SEVERITIES = {"S0": 4, "S1": 3, "S2": 2, "S3": 1, "S4": 0}
_SEEN = frozenset(
    {
        *("format", "language", "engine", "cel", "id", "version", "source_digest", "phases", "step_outputs", "library"),
        *("clocks", "facts", "tracks", "severity", "floors", "allowed_regions", "command", "handoff_allowed", "inputs"),
        *("close_when", "mode", "unverified"),
    }
)
_WRITTEN = {"mode_when": "mode", "title": "title"}


def compare_document(pair: Pair) -> Iterator[Verdict]:
    """Everything but the steps, each verdict with its place from the top of the file."""
    old, new = pair.old, pair.new
    yield from below(differs(old["id"], new["id"], "step.runbook", "another runbook"), "runbook")
    if old["version"] > new["version"]:
        said = "the version went back"
        yield Verdict(LOOK, "step.version", said, str(old["version"]), str(new["version"]), ("version",))
    phases = [phase["name"] for phase in old["phases"]], [phase["name"] for phase in new["phases"]]
    yield from below(differs(*phases, "order.phases", "other phases, or in another order"), "phases")
    yield from _clocks(pair)
    yield from _facts(pair)
    yield from _tracks(pair)
    yield from _severity(pair)
    yield from _doubt(pair)
    yield from _regions(pair)
    yield from _inputs(pair)
    yield from below(
        condition(
            old["close_when"],
            new["close_when"],
            "close.when",
            "what must hold before it closes",
            wider=WEAKER,
            narrower=STRONGER,
        ),
        "close_when",
    )
    yield from below(ranked(old["mode"], new["mode"], {"incident": 1, "case": 0}, "severity.mode", "the mode"), "mode")
    before: dict[str, Any] = dict(old)
    after: dict[str, Any] = dict(new)
    for key in [*before, *(key for key in after if key not in before)]:
        if key not in _SEEN:
            written = _WRITTEN.get(key, key)
            yield from below(
                differs(before.get(key), after.get(key), f"step.{written}", f"`{written}` has changed"), written
            )


def _clocks(pair: Pair) -> Iterator[Verdict]:
    old, new = pair.old["clocks"], pair.new["clocks"]
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            gone = Verdict(WEAKER, "clock.gone", f"the clock `{name}` is gone", describe_law(old[name]["law"]), "")
            yield from below([gone], "clocks", name)
        elif name not in old:
            fresh = Verdict(STRONGER, "clock.new", f"the clock `{name}` is new", "", describe_law(new[name]["law"]))
            yield from below([fresh], "clocks", name)
        else:
            yield from below(_clock(pair, old[name], new[name]), "clocks", name)


def _clock(pair: Pair, old: ClockPlan, new: ClockPlan) -> Iterator[Verdict]:
    yield from below(compare_laws(old["law"], new["law"], "clock.law"), "use")
    yield from below(
        differs(old["start"], new["start"], "clock.start", "it starts from something else", WEAKER), "start"
    )
    if old["stop"] is None or new["stop"] is None:
        said = "nothing stops it any more" if new["stop"] is None else "it can be stopped"
        yield from below(differs(old["stop"], new["stop"], "clock.stop", said), "stop")
    else:
        yield from below(differs(old["stop"], new["stop"], "clock.stop", "something else stops it", WEAKER), "stop")
    if new["restart"] is None and old["restart"] is not None:
        yield Verdict(
            STRONGER, "clock.restart", "nothing starts it anew", render_value(old["restart"]), "", ("restart",)
        )
    else:
        said = "it may start anew" if old["restart"] is None else "something else starts it anew"
        yield from below(differs(old["restart"], new["restart"], "clock.restart", said, WEAKER), "restart")
    yield from below(instants(pair, old["warn"], new["warn"], "clock.warn", "warnings"), "warn")
    yield from below(
        members(
            [each["page"] for each in old["on_breach"]],
            [each["page"] for each in new["on_breach"]],
            "clock.on_breach",
            gone=(WEAKER, "a breach no longer wakes {}"),
            fresh=(STRONGER, "a breach also wakes {}"),
        ),
        "on_breach",
    )
    if old["on_close"] != new["on_close"]:
        danger = WEAKER if new["on_close"] is None else STRONGER if old["on_close"] is None else LOOK
        said = "nobody owns it after the run" if new["on_close"] is None else "another role owns it after the run"
        yield Verdict(danger, "clock.on_close", said, old["on_close"] or "", new["on_close"] or "", ("on_close",))
    yield from below(
        condition(
            old.get("cond"),
            new.get("cond"),
            "clock.if",
            "when it runs at all",
            wider=STRONGER,
            narrower=WEAKER,
            unknown=WEAKER,
        ),
        "if",
    )
    yield from _pauses(old, new)
    said = "it may be renewed" if "renew" not in old else "something else renews it, or nothing"
    keeps = new["law"]["kind"] == "min_retention"
    how: Danger = (STRONGER if keeps else WEAKER) if "renew" not in old else (WEAKER if keeps else LOOK)
    yield from below(differs(old.get("renew"), new.get("renew"), "clock.renew", said, how), "renew")
    yield from below(
        differs(old.get("each"), new.get("each"), "clock.each", "one clock for each of something else"), "each"
    )


def _pauses(old: ClockPlan, new: ClockPlan) -> Iterator[Verdict]:
    """A clock that may stand still is weaker than one that may not."""
    before, after = old.get("pause", {}), new.get("pause", {})
    yield from below(
        members(
            list(before),
            list(after),
            "clock.pause",
            gone=(STRONGER, "it no longer stands still for {}"),
            fresh=(WEAKER, "it may stand still for {}"),
        ),
        "pause",
    )
    if old.get("after_pause") != new.get("after_pause") and before and after:
        anew = new.get("after_pause") == "restart"
        said = "after a pause its whole length begins anew" if anew else "after a pause it goes on where it was"
        yield Verdict(WEAKER if anew else STRONGER, "clock.pause", said, "", "", ("pause",))
    for reason in before:
        if reason in after:
            said = f"other facts begin or end `{reason}`"
            yield from below(differs(before[reason], after[reason], "clock.pause", said, WEAKER), "pause", reason)


def _facts(pair: Pair) -> Iterator[Verdict]:
    old, new = pair.old["facts"], pair.new["facts"]
    gone, fresh = (LOOK, "the fact {} is gone"), (LOOK, "the fact {} is new")
    for name in [*old, *(name for name in new if name not in old)]:
        if name in old and name in new:
            yield from below(_fact(old[name], new[name]), "facts", name)
        else:
            one = ([name], []) if name in old else ([], [name])
            yield from below(members(*one, "fact.declared", gone=gone, fresh=fresh), "facts", name)


def _fact(old: FactSpec, new: FactSpec) -> Iterator[Verdict]:
    yield from below(
        members(
            old["sources"],
            new["sources"],
            "fact.from",
            gone=(LOOK, "{} may no longer set it"),
            fresh=(WEAKER, "{} may now set it"),
        ),
        "from",
    )
    yield from below(differs(old["type"], new["type"], "fact.type", "another type"), "type")
    before, after = old["revise"], new["revise"]
    if (before is None) != (after is None):
        said = "it may be revised" if after is not None else "it may no longer be revised"
        danger = WEAKER if after is not None else STRONGER
        yield Verdict(danger, "fact.revise", said, render_value(before), render_value(after), ("revise",))
    elif before is not None and after is not None:
        yield from below(
            members(
                _roles(before["by"]),
                _roles(after["by"]),
                "fact.revise",
                gone=(STRONGER, "{} may no longer revise it"),
                fresh=(WEAKER, "{} may now revise it"),
            ),
            "revise",
            "by",
        )


def _roles(value: object) -> list[str]:
    return [str(role) for role in value] if isinstance(value, list) else []


def _tracks(pair: Pair) -> Iterator[Verdict]:
    old = {track["id"]: track for track in pair.old["tracks"]}
    new = {track["id"]: track for track in pair.new["tracks"]}
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            said = f"the track `{name}` is gone"
            yield from below(
                [Verdict(WEAKER, "track.gone", said, render_value(old[name]["when"]), "")], "alongside", name
            )
        elif name not in old:
            said = f"the track `{name}` is new"
            yield from below([Verdict(LOOK, "track.new", said, "", render_value(new[name]["when"]))], "alongside", name)
        else:
            yield from below(_track(pair, old[name], new[name]), "alongside", name)


def _track(pair: Pair, old: Track, new: Track) -> Iterator[Verdict]:
    yield from below(
        condition(old["when"], new["when"], "track.when", "when it fires", wider=STRONGER, narrower=WEAKER), "when"
    )
    yield from below(
        differs(old.get("on_fact"), new.get("on_fact"), "track.on_fact", "another fact fires it", WEAKER), "on_fact"
    )
    flags = str(bool(old.get("each"))), str(bool(new.get("each")))
    yield from below(ranked(*flags, {"True": 1, "False": 0}, "track.each", "whether it fires each time"), "each")
    flags = str(bool(old.get("detached"))), str(bool(new.get("detached")))
    yield from below(
        ranked(*flags, {"True": 1, "False": 0}, "track.detached", "whether it outlives the run"), "detached"
    )
    before, after = old.get("watch"), new.get("watch")
    if before is None or after is None:
        danger = WEAKER if after is None else STRONGER
        yield from below(differs(before, after, "track.watch", "whether it looks again and again", danger), "every")
        return
    yield from below(
        length(pair, before["every"], after["every"], "track.every", "the pause", shorter=STRONGER), "every"
    )
    yield from below(
        length(
            pair, before["length"], after["length"], "track.for", "how long it watches", longer=STRONGER, shorter=WEAKER
        ),
        "for",
    )
    yield from below(differs(before["start"], after["start"], "track.from", "it begins with something else"), "from")


def _severity(pair: Pair) -> Iterator[Verdict]:
    old, new = pair.old, pair.new
    yield from below(
        ranked(old["severity"], new["severity"], SEVERITIES, "severity.default", "the severity at the start"),
        "severity",
    )
    before = {each["when"]["src"]: each["at_least"] for each in old["floors"]}
    after = {each["when"]["src"]: each["at_least"] for each in new["floors"]}
    for when in [*before, *(when for when in after if when not in before)]:
        was, now = before.get(when, ""), after.get(when, "")
        if was != now:
            weaker = SEVERITIES.get(now, -1) < SEVERITIES.get(was, -1)
            said = "the floor is lower" if now and was else "a floor is gone" if was else "a floor is new"
            said = "the floor is higher" if was and now and not weaker else said
            danger = WEAKER if weaker else STRONGER
            shown = (f"{was} when {when}" if was else ""), (f"{now} when {when}" if now else "")
            yield Verdict(danger, "severity.floor", said, *shown, ("severity", "floors"))


def _doubt(pair: Pair) -> Iterator[Verdict]:
    """While `unverified` holds, what is grave does not fall by itself: without it, it may."""
    old, new = pair.old.get("unverified"), pair.new.get("unverified")
    before, after = (old["src"] if old else ""), (new["src"] if new else "")
    if before == after:
        return
    keys = ("severity", "unverified")
    if not new:
        said = "severity may fall although what is known is doubtful"
        yield Verdict(WEAKER, "severity.unverified", said, before, "", keys)
    elif not old:
        said = "severity no longer falls while what is known is doubtful"
        yield Verdict(STRONGER, "severity.unverified", said, "", after, keys)
    else:
        yield Verdict(LOOK, "severity.unverified", "what counts as doubtful has changed", before, after, keys)


def _regions(pair: Pair) -> Iterator[Verdict]:
    old, new = pair.old, pair.new
    yield from below(
        members(
            old["allowed_regions"],
            new["allowed_regions"],
            "share.regions",
            gone=(STRONGER, "the run may no longer go to {}"),
            fresh=(WEAKER, "the run may now go to {}"),
        ),
        "regions",
        "allowed",
    )
    yield from below(differs(old["command"], new["command"], "regions.command", "another region commands"), "regions")
    if old["handoff_allowed"] != new["handoff_allowed"]:
        allowed = new["handoff_allowed"]
        said = "handoffs are no longer forbidden" if allowed else "handoffs are forbidden"
        yield Verdict(WEAKER if allowed else STRONGER, "share.handoff", said, keys=("handoff",))


def _inputs(pair: Pair) -> Iterator[Verdict]:
    old, new = pair.old["inputs"], pair.new["inputs"]
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            said = f"the input `{name}` is {'new' if before is None else 'gone'}"
            yield from below(differs(before, after, "input.declared", said), "inputs", name)
            continue
        classes = before.get("data_class"), after.get("data_class")
        if classes[0] != classes[1]:
            danger = WEAKER if classes[0] == "us_protected" else STRONGER if classes[1] == "us_protected" else LOOK
            said = "its data class has changed"
            yield from below(differs(*classes, "share.data_class", said, danger), "inputs", name, "data_class")
        rest = _without_class(before), _without_class(after)
        yield from below(differs(*rest, "input.type", "its type or bounds have changed"), "inputs", name)


def _without_class(spec: TypeSpec) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "data_class"}
