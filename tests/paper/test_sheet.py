"""A printed runbook holds every step once, says who decides and how many, what takes it back, and each clock."""

from tests.paper.sheets import AT, ERASURE, ORDER, boxes_of, sheet
from watchfloor.client.library import plan_for_start
from watchfloor.language.graph_clocks import list_steps


def test_every_step_of_the_runbook_has_its_box_and_no_number_stands_twice() -> None:
    plan, _ = plan_for_start(ORDER)
    boxes = boxes_of(sheet())
    told = {box.path for box in boxes if box.path}
    assert told == {step["path"] for step in list_steps(plan) if step["kind"] in {"action", "task"}}
    assert len(boxes) == len(list(list_steps(plan)))
    numbers = [box.number for box in boxes]
    assert len(numbers) == len(set(numbers))


def test_a_gate_has_a_line_for_each_person_who_must_agree() -> None:
    (gate,) = [box for box in boxes_of(sheet(ERASURE)) if box.kind == "decide first"]
    assert gate.seats == ("incident_commander", "legal_counsel")
    assert gate.title == "erase: is it to be done?"


def test_what_cannot_be_taken_back_is_marked_and_the_rest_says_what_takes_it_back() -> None:
    by_path = {box.path: box for box in boxes_of(sheet())}
    reply, disable = by_path["containment/reply"], by_path["containment/remove/disable"]
    assert reply.final
    assert reply.undo == "nothing takes it back"
    assert not disable.final
    assert disable.undo.startswith("taken back by content.restore, when order_annulled. Make an item visible")
    assert disable.each
    assert not reply.each


def test_a_clock_says_whether_the_law_or_we_set_it_and_from_where_its_start_is_known() -> None:
    clocks = {clock.name: clock for clock in sheet().clocks}
    assert clocks["removal"].basis == "law: Regulation (EU) 2021/784 Art. 3(3)"
    assert clocks["imminent"].basis.startswith("law, which gives no number; the objective is ours")
    assert clocks["imminent"].adds == "30m, our objective"
    assert "order_received is known from inputs.received_at" in clocks["removal"].notes
    assert clocks["preserve"].keeps


def test_the_roles_are_those_that_the_runbook_can_need_with_the_commander_first() -> None:
    roles = sheet().roles
    assert roles[:2] == ("incident_commander", "deputy")
    assert {"legal_counsel", "exec_sponsor", "ops_lead", "le_liaison", "records_custodian", "us_desk"} <= set(roles)


def test_two_prints_of_one_plan_differ_in_their_time_alone() -> None:
    assert sheet() == sheet()
    assert sheet().printed_at == AT
