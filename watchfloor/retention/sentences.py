"""The reasoning of a ruling as numbered sentences that a lawyer can read, and the words for the person concerned.

Sentences name claims, references, laws and instants, never what the copy holds.
"""

from collections.abc import Sequence
from datetime import datetime

from watchfloor.retention.claims import STEPS, Claim, Copy, Standing
from watchfloor.signing import render_instant

STEP_NAMES = {
    1: "lawful destruction of abuse material",
    2: "statutory floors, exact scope only",
    3: "litigation holds",
    4: "a data subject's erasure",
    5: "our own periods and minimisation",
}
ACTIONS = {
    "destroy": "this copy is destroyed, its hash and a receipt stay",
    "keep": "this copy is kept",
    "erase_outside": "this copy is kept, and everything else that the erasure names is erased",
    "restore": "it is shown again, and the copy is kept",
    "erase": "this copy is erased",
    "wait": "nothing is destroyed until people have said what is missing",
}

DONE = "Your request has been carried out. The data it named has been erased."
NEUTRAL = (
    "Your request has been carried out as far as the law allows. Data that the law obliges a company to keep is kept "
    "for as long as it says and is then erased. You may complain to the supervisory authority or go to court."
)
"""Said wherever something may not be told: it fits every case, so it gives none away."""
EXAMINED = "Your request is being examined. You will have an answer within the time that the law sets."

Claimed = tuple[Claim, Standing]


def explain(
    copy: Copy,
    standing: Sequence[Claimed],
    now: datetime,
    *,
    action: str,
    step: int,
    by: Sequence[str],
    restore_in: Sequence[str],
    change: tuple[datetime, str] | None,
) -> tuple[str, ...]:
    """The whole reasoning; every claim has a sentence, also those without force.

    Args:
        standing: the claims in their rank, each with how it stands.
        step: the step that decided, 0 when none did.
        by: ids of the claims that decided.
        change: when time alone changes what is decided, and to what.
    """
    named = sum(found.force != "outside" for _, found in standing)
    holder = f", kept by {copy.kept_by}" if copy.kept_by else ""
    kind = ", apparent child sexual abuse material" if copy.csam else ""
    lines = [f"On {_at(now)}, the copy `{copy.id}`{holder}{kind}: {len(standing)} claims, {named} of them name it."]
    for number, name in STEP_NAMES.items():
        of_step = [one for one in standing if STEPS.get(one[0].kind) == number]
        lines += [f"Step {number}, {name}: {_say(*one, copy)}." for one in of_step]
        if not of_step:
            lines.append(f"Step {number}, {name}: no claim.")
    lines += [f"Distribution: {_say(*one, copy)}." for one in standing if one[0].kind == "withdrawal"]
    lines += _meetings(standing)
    lines.append(_conclude(standing, action, step, by, restore_in))
    missing = [say_awaited(*one) for one in standing if one[1].force == "doubtful"]
    if missing:
        lines.append(f"What people still have to say: {'; '.join(missing)}.")
    if change is None:
        lines.append("Time alone changes nothing.")
    else:
        lines.append(f"If nothing new is said, this changes on {_at(change[0])}: then {ACTIONS[change[1]]}.")
    return tuple(f"{number}. {line}" for number, line in enumerate(lines, 1))


def say_awaited(claim: Claim, standing: Standing) -> str:
    """What a person has to say so that a doubtful claim binds or falls."""
    match standing.why:
        case "mailbox" | "late_mailbox":
            return f"whether the renewal of `{claim.id}` is valid"
        case "unreleased":
            return f"whether the hold that rests on `{claim.id}` is released, which two people decide"
        case "entity":
            return f"counsel, whether `{claim.id}` binds the company that has the copy"
        case "image":
            return f"counsel, whether `{claim.id}` holds this very image"
        case "unanswered":
            return f"counsel, what `{claim.id}` is answered"
        case _:
            return f"counsel, whether `{claim.id}` is genuine and lawful"


def answer_person(standing: Sequence[Claimed], action: str, by: Sequence[str]) -> str:
    """What a person who asked for erasure may be told; empty when nobody did."""
    if not any(claim.kind == "erasure" and found.force == "binds" for claim, found in standing):
        return ""
    if any(claim.secret and found.force in {"binds", "doubtful"} for claim, found in standing):
        return NEUTRAL
    if action in {"erase", "destroy"}:
        return DONE
    if action == "wait":
        return EXAMINED
    kept = sorted({claim.law or claim.title or claim.kind for claim, _ in standing if claim.id in by})
    return (
        f"Your request has been carried out except for data that we have to keep under {', '.join(kept)}; it is erased "
        "when that duty ends. You may complain to the supervisory authority or go to court."
    )


def _say(claim: Claim, found: Standing, copy: Copy) -> str:
    return f"{_name(claim)} {_stands(claim, found, copy)}"


def _name(claim: Claim) -> str:
    about = "; ".join(
        part
        for part in (
            claim.title,
            claim.law,
            f"register row {claim.row}" if claim.row and claim.row != claim.id else "",
            f"on {claim.authority}" if claim.authority else "",
        )
        if part
    )
    return f"`{claim.id}` ({about})" if about else f"`{claim.id}`"


def _stands(claim: Claim, found: Standing, copy: Copy) -> str:
    until = f" until {_at(found.until)}" if found.until else ""
    match found.force:
        case "outside":
            return "does not name this copy, so it has no force here"
        case "not_yet":
            word = "falls due" if found.why == "due" else "begins"
            return f"{word} on {_at(found.until or claim.since)}"
        case "ended":
            return f"ended on {_at(found.until or claim.since)}"
        case "void":
            return _void(found, claim)
        case "doubtful":
            return _doubt(claim, found, copy)
    match claim.kind:
        case "destruction":
            return "asks that this very copy be destroyed, and counsel has signed that the request is lawful"
        case "erasure":
            due = f", to be answered by {_at(found.until)}" if found.until else ""
            return f"asks since {_at(claim.since)} that this copy go{due}"
        case "ttl":
            return f"has been due since {_at(found.until or claim.since)}"
        case "withdrawal":
            return (
                f"takes it out of distribution in {claim.territory} since {_at(claim.since)}{until}; removal is not "
                "deletion, so this decides nothing about the copy"
            )
        case _:
            renewed = " and was renewed" if found.why == "renewed" else ""
            return f"keeps this copy since {_at(claim.since)}{renewed}{until or ', with no end set'}"


def _void(found: Standing, claim: Claim) -> str:
    return {
        "not_csam": "has no force: 18 USC 2258B(c) reaches abuse material only, and this copy is not known to be any",
        "declined": "has no force: counsel has signed that it is not lawful",
        "entity_declined": f"has no force: counsel has signed that it does not bind here, served on {claim.served_on}",
        "image_declined": "has no force on this image: counsel has signed against holding it",
        "answered": "has been answered, so it keeps nothing any more",
        "annulled": f"was annulled on {_at(found.until or claim.since)}, so its ground has gone",
    }[found.why]


def _doubt(claim: Claim, found: Standing, copy: Copy) -> str:
    ended = f"ended on {_at(found.until)}" if found.until else "has ended"
    arrived = _at(claim.renewal.received_at) if claim.renewal else ""
    match found.why:
        case "mailbox":
            return f"{ended}, but a renewal arrived on {arrived}, before its end, and nobody has read it"
        case "late_mailbox":
            return f"{ended}; a renewal arrived on {arrived}, after its end, and nobody has read it"
        case "unreleased":
            return f"{ended}, but nobody has released the hold that rests on it"
        case "entity":
            return f"was served on {claim.served_on}, but {copy.kept_by} has the copy; counsel has not said which binds"
        case "image":
            return "would hold an image of abuse, which needs counsel's signature for this very copy, and there is none"
        case "unanswered":
            due = f" by {_at(claim.until)}" if claim.until else ""
            said = f"asks that this copy be handed over and has to be answered{due}"
            if claim.served_on and copy.kept_by and claim.served_on != copy.kept_by:
                said += (
                    f"; it was served on {claim.served_on}, but {copy.kept_by} has the copy: an objection of "
                    "conflicting law has to be raised within that time, and nothing is handed over before"
                )
            return said
        case _:
            lacks = "counsel has not signed that it is genuine and lawful" if claim.authority else "it has no reference"
            return f"asks that this very copy be destroyed, but {lacks}; it destroys nothing"


def _meetings(standing: Sequence[Claimed]) -> list[str]:
    """Conflicts that the register itself names between the claims at hand."""
    lines: dict[frozenset[str], str] = {}
    for claim, found in standing:
        for other, found_other in standing:
            known = {other.row, other.kind} & set(claim.meets)
            first, second = STEPS.get(claim.kind, 0), STEPS.get(other.kind, 0)
            alive = {found.force, found_other.force} <= {"binds", "doubtful"}
            if known and alive and first and second and claim.id != other.id:
                order = "come at the same step" if first == second else f"step {min(first, second)} comes first"
                said = f"The register names the conflict of `{claim.id}` with `{other.id}`: {order}."
                lines.setdefault(frozenset({claim.id, other.id}), said)
    return list(lines.values())


def _conclude(standing: Sequence[Claimed], action: str, step: int, by: Sequence[str], restore_in: Sequence[str]) -> str:
    names = ", ".join(f"`{one}`" for one in by)
    if action == "restore":
        kept = f"step {step} keeps the copy" if step else "nothing below decides, for the ground of its removal is gone"
        return f"Decided by {names}: it is shown again in {', '.join(restore_in)}, and {kept}."
    if not step:
        return "No claim asks that this copy go, so it is kept."
    more = ""
    if action == "destroy":
        against = [
            f"`{claim.id}`"
            for claim, found in standing
            if claim.kind in {"floor", "litigation"} and found.force == "binds"
        ]
        more = f"; step 1 comes before {', '.join(against)}" if against else ""
    return f"Step {step} decides, by {names}: {ACTIONS[action]}{more}."


def _at(at: datetime) -> str:
    return render_instant(at)
