"""A `try` shows what it catches and takes back, a `run` is a card that names the other runbook."""

from tests.language.embedding import compile_piece
from watchfloor.language.graph_mermaid import render_mermaid
from watchfloor.language.graph_svg import render_svg
from watchfloor.language.graph_text import render_text

PIECE = """- id: careful
  try:
    steps:
      - {id: hide, action: content.disable, with: {url: "https://example.test/v/1", scope: eu}, expires: 24h}
    catch: [{on: [timed_out], steps: [{id: tell, action: page, with: {role: ops_lead, about: late}}]}]
    undo: [hide]
    finally: [{id: done, action: page, with: {role: deputy, about: tried}}]
- {id: child, run: threat-to-life, wait: false, known_at: facts.order_received}
"""


def test_every_rendering_names_what_is_caught_and_the_other_runbook() -> None:
    plan = compile_piece(PIECE).plan
    assert plan is not None
    for rendered in (render_text(plan), render_mermaid(plan), render_svg(plan)):
        assert "threat-to-life" in rendered
        assert "timed out" in rendered
        assert "in any case" in rendered
    assert "takes back hide" in render_text(plan)


def test_a_track_says_how_it_fires() -> None:
    track = "alongside: [{id: t, from: facts.removed, every: 6h, for: 7d, detached: true,"
    track += " steps: [{id: b, wait: {for: 1m}}]}]"
    plan = compile_piece(track).plan
    assert plan is not None
    assert "from facts.removed, every 6h for 7d; outlives the incident" in render_text(plan)
