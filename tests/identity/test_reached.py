"""Who is told for a role when somebody stands aside."""

from watchfloor.identity.reached import Reached


def test_what_reaches_only_who_stands_aside_is_left_out_and_what_others_have_too_stays() -> None:
    reached = Reached(
        "ops_lead",
        ("ops-1", "ops-2"),
        ("pager-1", "room", "pager-2"),
        "no_rota",
        {"ops-1": ("pager-1", "room"), "ops-2": ("room", "pager-2")},
    )
    left = reached.without({"ops-1"})
    assert (left.people, left.destinations, left.how) == (("ops-2",), ("room", "pager-2"), "no_rota")
    nobody = reached.without({"ops-1", "ops-2"})
    assert (nobody.people, nobody.destinations, nobody.how) == ((), (), "nobody")
    assert reached.without(()).destinations == ("pager-1", "room", "pager-2")
