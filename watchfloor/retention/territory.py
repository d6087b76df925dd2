"""Where a thing is shown again when a withdrawal has lost its force: nowhere that another withdrawal still covers."""

from collections.abc import Sequence

from watchfloor.retention.claims import Claim, Standing

EU = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
        *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
"""Member States of the European Union."""


def covers(wider: str, narrower: str) -> bool:
    """Whether a withdrawal in one territory is one in the other too."""
    return wider in {narrower, "global"} or (wider == "eu" and narrower in EU)


def find_restored(standing: Sequence[tuple[Claim, Standing]]) -> tuple[str, ...]:
    """Territories in which an annulled withdrawal leaves nothing that stands in the way, with exceptions in words."""
    withdrawals = [(claim, found) for claim, found in standing if claim.kind == "withdrawal"]
    in_force = sorted({claim.territory for claim, found in withdrawals if found.force == "binds"})
    restored: list[str] = []
    for territory in sorted({claim.territory for claim, found in withdrawals if found.why == "annulled"}):
        if any(covers(other, territory) for other in in_force):
            continue
        inside = [other for other in in_force if covers(territory, other)]
        restored.append(f"{territory} except {', '.join(inside)}" if inside else territory)
    return tuple(restored)
