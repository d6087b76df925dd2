"""How an entry is named in a review: `#12` in the incident's own chain, `A#3` in the first process it started.

An entry of a hold's or handoff's chain is kept as one number too, so that citations sort and fold like any other.
"""

from collections.abc import Sequence

CHAIN = 1_000_000
"""No chain has this many entries; the number of a chain is the quotient, the number of an entry the remainder."""


def number_entry(chain: int, seq: int) -> int:
    """The number of an entry; chain 0 is the incident's own."""
    return chain * CHAIN + seq


def name_chain(chain: int) -> str:
    """Nothing for the incident, `A` to `Z`, then `AA` and on."""
    letters = ""
    while chain > 0:
        chain, rest = divmod(chain - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def name_entry(number: int) -> str:
    """`#12`, `A#3`."""
    chain, seq = divmod(number, CHAIN)
    return f"{name_chain(chain)}#{seq}"


def cite(numbers: Sequence[int]) -> str:
    """`[#12]`, `[#3, A#9]`, a run as `[#14–#92]`, many scattered ones as `[#16 … #61, 24 entries]`."""
    known = sorted(set(numbers))
    runs: list[list[int]] = []
    for number in known:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    if len(runs) > 4:
        return f"[{name_entry(known[0])} … {name_entry(known[-1])}, {len(known)} entries]"
    parts: list[str] = []
    for run in runs:
        ends = f"{name_entry(run[0])}–{name_entry(run[-1])}"
        parts += [ends] if len(run) > 2 else [name_entry(number) for number in run]
    return f"[{', '.join(parts)}]"
