"""The SVG of a runbook: well formed, complete, deterministic, deaf to what its texts would like it to do."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

from schemas.plan import Plan
from watchfloor.language.graph_svg import render_svg

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> str:
    return "\n".join("".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text"))


def test_the_picture_is_the_golden_one(order: Plan, golden: Callable[[str, str], None]) -> None:
    golden("removal-order.svg", render_svg(order))


def test_the_same_plan_gives_the_same_bytes(order: Plan, forty: Plan) -> None:
    assert render_svg(order) == render_svg(order)
    assert render_svg(order) != render_svg(forty)


def test_every_step_gate_clock_phase_and_track_is_in_the_picture(order: Plan) -> None:
    shown = texts(render_svg(order))
    for word in ("screen", "refused", "disable", "by_hand", "tell_team", "page_ops", "page_us", "page_liaison"):
        assert word in shown
    for phase in ("1 · triage", "2 · containment", "5 · postmortem", "alongside · threat_to_life"):
        assert phase in shown
    assert "↩ content.restore on order_annulled" in shown
    assert "legal_counsel or exec_sponsor" in shown
    assert "within 15% of removal" in shown
    assert "silence: pages exec_sponsor, then fails" in shown
    assert "1h · eu.tco.removal" in shown
    assert "closes when has(facts.removal_verified) && steps.reply.ok" in shown


def test_a_clock_ends_beside_the_step_that_stops_it(order: Plan) -> None:
    svg = render_svg(order)
    bars = re.findall(r'<rect class="clock" x="\S+" y="(\S+)" width="9" height="(\S+)"', svg)
    removal, preserve = [(float(y), float(y) + float(height)) for y, height in bars]
    assert removal[1] == preserve[0]
    plan = order
    plan["facts"]["removal_verified"]["sources"] = ["somebody_outside"]
    plan["phases"][1]["steps"][1]["records"] = {}
    unplaced = re.findall(r'<rect class="clock" x="\S+" y="(\S+)" width="9" height="(\S+)"', render_svg(plan))
    assert float(unplaced[0][1]) > removal[1] - removal[0]


def test_forty_steps_stay_within_the_page_and_apart(forty: Plan) -> None:
    svg = render_svg(forty)
    page = ElementTree.fromstring(svg)
    width, height = float(page.attrib["width"]), float(page.attrib["height"])
    cards = [
        (float(r.attrib["x"]), float(r.attrib["y"]), float(r.attrib["width"]), float(r.attrib["height"]))
        for r in page.iter(f"{SVG}rect")
        if r.attrib["class"].startswith("card ")
    ]
    assert len(cards) == 4 * (6 + 1 + 4)
    for x, y, w, h in cards:
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height
    for one, (x, y, w, h) in enumerate(cards):
        for x2, y2, w2, h2 in cards[one + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_hostile_text_adds_no_element_and_no_attribute(order: Plan, nasty: Plan) -> None:
    calm, hostile = ElementTree.fromstring(render_svg(order)), ElementTree.fromstring(render_svg(nasty))
    assert {e.tag for e in hostile.iter()} == {e.tag for e in calm.iter()}
    assert {a for e in hostile.iter() for a in e.attrib} == {a for e in calm.iter() for a in e.attrib}
    assert not {a for e in hostile.iter() for a in e.attrib} & {"href", "onload", "onclick", "style", "id"}
    assert "<script" not in render_svg(nasty)
    assert "\u202e" not in render_svg(nasty)
    assert "‹U+202E›" in render_svg(nasty)


def test_the_picture_needs_nothing_from_outside(order: Plan) -> None:
    svg = render_svg(order).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|<image|<a |<script|<foreignObject", svg)
    assert "prefers-color-scheme:dark" in svg
