"""What can be read at a point of a runbook: names, their types, and whether a value is sure to be there.

A name *needs* presence keys: `facts.x` needs the fact, an output of a conditional step needs that the step ran
(`steps.x`), an optional output needs itself. A guard makes keys *known*. A reading whose needs are not all known may
find nothing.
"""

from dataclasses import dataclass, field, replace

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """Immutable; every step of the walk makes a new one.

    Attributes:
        types: variable -> CEL type.
        needs: variable -> presence keys; absent from the mapping means always there.
        values: variable -> the only values it can take (options of a decision, an input's enum).
        known: presence keys that hold here.
        guards: condition text -> keys that hold whenever a step with that same condition runs.
        chosen: (variable, value) -> keys that hold when it has that value.
    """

    types: dict[str, str] = field(default_factory=dict)
    needs: dict[str, frozenset[str]] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    known: frozenset[str] = NOTHING
    guards: dict[str, frozenset[str]] = field(default_factory=dict)
    chosen: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def declare(self, name: str, kind: str, needs: frozenset[str] = NOTHING, values: tuple[str, ...] = ()) -> "Scope":
        return replace(
            self,
            types={**self.types, name: kind},
            needs={**self.needs, name: needs} if needs else self.needs,
            values={**self.values, name: values} if values else self.values,
        )

    def declare_all(self, names: dict[str, str], needs: dict[str, frozenset[str]]) -> "Scope":
        return replace(self, types={**self.types, **names}, needs={**self.needs, **needs})

    def knowing(self, keys: frozenset[str]) -> "Scope":
        return self if keys <= self.known else replace(self, known=self.known | keys)

    def under(self, guard: str | None) -> "Scope":
        """Inside a step with this condition text: what earlier steps under the same condition gave is there."""
        return self if guard is None else self.knowing(self.guards.get(guard, NOTHING))

    def guarding(self, guard: str, keys: frozenset[str]) -> "Scope":
        return replace(self, guards={**self.guards, guard: self.guards.get(guard, NOTHING) | keys})

    def choosing(self, variable: str, value: str, keys: frozenset[str]) -> "Scope":
        return replace(self, chosen={**self.chosen, (variable, value): keys})

    def missing(self, name: str, extra: frozenset[str] = NOTHING) -> frozenset[str]:
        """The keys a reading of this name needs and that are not known."""
        return self.needs.get(name, NOTHING) - self.known - extra

    def after_branch(self, inner: "Scope", *, sure: bool, ran: str = "") -> "Scope":
        """This scope with the names a branch declared.

        Args:
            inner: the scope at the end of the branch.
            sure: the branch always runs to its end.
            ran: presence key that says it ran, when it is not sure to.
        """
        fresh = {name: kind for name, kind in inner.types.items() if name not in self.types}
        needs = {name: keys for name, keys in inner.needs.items() if name in fresh}
        if not sure:
            needs = {name: needs.get(name, NOTHING) | {_ran(name), *([ran] if ran else [])} for name in fresh}
        return replace(
            self,
            types={**self.types, **fresh},
            needs={**self.needs, **needs},
            values={**inner.values, **self.values},
            chosen={**inner.chosen, **self.chosen},
            guards={**inner.guards, **self.guards} if sure else self.guards,
            known=self.known | inner.known if sure else self.known,
        )

    def keys_of(self, inner: "Scope") -> frozenset[str]:
        """What is known when `inner`'s branch has run: its own keys, and that its steps ran."""
        fresh = frozenset(_ran(name) for name in inner.types if name not in self.types and name.startswith("steps."))
        return fresh | (inner.known - self.known)


def _ran(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] in {"steps", "last"} else name


def describe_need(key: str) -> str:
    """A presence key in words."""
    kind, _, rest = key.partition(".")
    if kind == "facts":
        return f"the fact `{rest}` may not be recorded yet"
    if kind == "inputs":
        return f"the input `{rest}` is optional"
    if "." in rest:
        return f"the output `{rest.split('.', 1)[1]}` is optional"
    return f"step `{rest}` may not have run to its end"
