"""Attacks on the language: quoting accidents, expressions, templates, names, numbers, people, effects."""

from tests.hostile.frame import ACCEPTED, HEAD, STEPS, WHOLE, about, also, expression, gated, instead, step, within

LANGUAGE: dict[str, tuple[bytes, str, int]] = {
    # quoting accidents
    "tag_from_not.yaml": (step("{id: a, if: !has(inputs.urls), stop: {outcome: b}}"), "WF107", 12),
    "tag_from_not_block.yaml": (HEAD + b"close_when: !f()\n", "WF107", 10),
    "template_as_mapping.yaml": (step("{id: a, action: page, with: {role: ${{ inputs.order_id }}}}"), "WF112", 12),
    "comma_cut.yaml": (
        step("{id: a, if: inputs.order_id.matches(a, b), stop: {outcome: b}}"),
        "WF112",
        12,
    ),
    "comment_cut.yaml": (WHOLE + b'close_when: inputs.order_id == "a #b"\n', "WF112", 11),
    "leading_quote.yaml": (HEAD + b"close_when: 'a' == inputs.order_id\n", "WF112", 10),
    "ternary_colon.yaml": (HEAD + b"close_when: has(now) ? true : false\n", "WF112", 10),
    # expressions
    "expression_long.yaml": (step('{id: a, if: "' + "true && " * 600 + 'true", stop: {outcome: b}}'), "WF201", 12),
    "expression_deep.yaml": (
        step('{id: a, if: "' + "(" * 200 + "true" + ")" * 200 + '", stop: {outcome: b}}'),
        "WF201",
        12,
    ),
    "expression_python.yaml": (step("{id: a, if: \"__import__('os').system('x')\", stop: {outcome: b}}"), "WF201", 12),
    "expression_attribute.yaml": (step('{id: a, if: "inputs.__class__", stop: {outcome: b}}'), "WF202", 12),
    "expression_template.yaml": (step('{id: a, if: "{{ 7 * 7 }}", stop: {outcome: b}}'), "WF201", 12),
    "template_unclosed.yaml": (
        step('{id: a, action: page, with: {role: "${{ inputs.order_id", about: b}}'),
        "WF131",
        12,
    ),
    "regex_bomb.yaml": (
        WHOLE.replace(b"order_id: string", b'order_id: {type: string, pattern: "^(a+)+$"}'),
        "WF123",
        9,
    ),
    # the language
    "unknown_step_kind.yaml": (step("{id: a, shell: rm}"), "WF126", 12),
    "unknown_key.yaml": (WHOLE + b"hooks: {on_start: x}\n", "WF120", 11),
    "try_a_list.yaml": (step("{id: a, try: []}"), "WF122", 12),
    "path_as_id.yaml": (step("{id: ../../a, stop: {outcome: b}}"), "WF124", 12),
    "homoglyph_id.yaml": (step("{id: \u0430bc, stop: {outcome: b}}"), "WF124", 12),
    "at_once_bomb.yaml": (
        step("{id: a, for_each: {item: u, in: inputs.urls, at_once: 100000}, steps: [{id: b, stop: {outcome: c}}]}"),
        "WF402",
        12,
    ),
    "rounds_bomb.yaml": (
        step(
            "{id: a, repeat: {every: 1s, times: 999999999, until: 'true', on_exhausted: fail}, "
            "steps: [{id: b, stop: {outcome: c}}]}"
        ),
        "WF402",
        12,
    ),
    "octal_version.yaml": (WHOLE.replace(b"version: 1", b"version: 010"), "WF122", 2),
    "huge_number.yaml": (WHOLE.replace(b"version: 1", b"version: " + b"9" * 5000), "WF122", 2),
    "infinite_number.yaml": (WHOLE.replace(b"version: 1", b"version: .inf"), "WF122", 2),
    "expression_huge_number.yaml": (expression("99999999999999999999 > 1"), "WF205", 12),
    "expression_environment.yaml": (expression('env.SECRET == "a"'), "WF202", 12),
    "expression_module.yaml": (expression('os.environ == "a"'), "WF202", 12),
    "expression_mro.yaml": (expression('"".__class__.__mro__.size() > 0'), "WF205", 12),
    "expression_assignment.yaml": (expression('inputs.order_id = "x"'), "WF201", 12),
    "expression_import.yaml": (expression("import os"), "WF201", 12),
    "expression_two_lines.yaml": (step('{id: a, if: "true\\nfalse", stop: {outcome: b}}'), "WF201", 12),
    "expression_bytes.yaml": (expression('b"abc" == b"abc"'), "WF201", 12),
    "expression_hides_a_root.yaml": (expression("inputs.urls.exists(inputs, inputs == inputs)"), "WF201", 12),
    "expression_not_bool.yaml": (expression("inputs.order_id"), "WF206", 12),
    "expression_zero_divisor.yaml": (expression("1 / 0 == 1"), ACCEPTED, 0),
    "expression_loops_in_loops.yaml": (
        expression("inputs.urls.all(a, inputs.urls.all(b, inputs.urls.all(c, a == b && b == c)))"),
        ACCEPTED,
        0,
    ),
    "expression_wide.yaml": (expression(" || ".join(["size(inputs.urls) > 1"] * 90)), ACCEPTED, 0),
    "template_in_template.yaml": (about('"${{ ${{ inputs.order_id }} }}"'), "WF201", 12),
    "template_empty.yaml": (about('"${{ }}"'), "WF201", 12),
    "template_secret.yaml": (about('"${{ secrets.TOKEN }}"'), "WF202", 12),
    "template_in_key.yaml": (
        step('{id: a, action: page, with: {"${{ inputs.order_id }}": b, role: ops_lead, about: b}}'),
        "WF124",
        12,
    ),
    "template_in_action.yaml": (
        step('{id: a, action: "${{ inputs.order_id }}", with: {role: ops_lead, about: b}}'),
        "WF124",
        12,
    ),
    "template_in_id.yaml": (step('{id: "${{ inputs.order_id }}", stop: {outcome: b}}'), "WF124", 12),
    "template_of_jinja.yaml": (about('"{{ config.items() }}"'), "WF211", 12),
    "template_of_jinja_bomb.yaml": (about('"{% for x in range(1000000000) %}a{% endfor %}"'), "WF211", 12),
    "template_of_a_shell.yaml": (about('"$(reboot)"'), "WF211", 12),
    "template_bomb.yaml": (about('"' + "${{ inputs.order_id }}" * 400 + '"'), ACCEPTED, 0),
    "pattern_back_reference.yaml": (
        instead("order_id: string", "order_id: {type: string, pattern: '(a)\\1'}"),
        "WF123",
        9,
    ),
    "pattern_lookahead.yaml": (instead("order_id: string", "order_id: {type: string, pattern: '(?=a)b'}"), "WF123", 9),
    "pattern_flags.yaml": (instead("order_id: string", "order_id: {type: string, pattern: '(?i)a'}"), "WF123", 9),
    "pattern_unclosed.yaml": (instead("order_id: string", "order_id: {type: string, pattern: '[a'}"), "WF123", 9),
    "pattern_repetitions.yaml": (
        instead("order_id: string", "order_id: {type: string, pattern: 'a{1000}{1000}{1000}'}"),
        "WF123",
        9,
    ),
    # names
    "runbook_is_a_path.yaml": (instead("runbook: hostile", "runbook: ../../etc/cron"), "WF124", 1),
    "runbook_is_absolute.yaml": (instead("runbook: hostile", "runbook: /etc/hostname"), "WF124", 1),
    "runbook_homoglyph.yaml": (instead("runbook: hostile", "runbook: h\u043estile"), "WF124", 1),
    "phase_is_a_path.yaml": (
        HEAD + b"phases: [{../main: [{id: last, stop: {outcome: done}}]}]\n",
        "WF124",
        10,
    ),
    "outcome_is_a_path.yaml": (step("{id: a, stop: {outcome: ../../a}}"), "WF124", 12),
    "compartment_is_a_path.yaml": (also("compartment: ../other\n"), "WF124", 11),
    "input_is_a_path.yaml": (instead("order_id: string", "../order: string"), "WF124", 9),
    "clock_law_is_a_path.yaml": (
        also(
            "facts: {x: {type: timestamp, from: [pager]}}\n"
            "clocks: {c: {use: ../clocks, start: facts.x, stop: facts.x, on_breach: [{page: exec_sponsor}]}}\n"
        ),
        "WF124",
        12,
    ),
    "id_percent.yaml": (step("{id: a%2f..%2fb, stop: {outcome: b}}"), "WF124", 12),
    "id_two_lines.yaml": (step('{id: "a\\nb", stop: {outcome: b}}'), "WF124", 12),
    "id_long.yaml": (step("{id: " + "a" * 300 + ", stop: {outcome: b}}"), "WF124", 12),
    "id_of_the_engine.yaml": (step("{id: a!undo, stop: {outcome: b}}"), "WF124", 12),
    "id_prototype.yaml": (step("{id: __proto__, stop: {outcome: b}}"), "WF124", 12),
    "id_full_width.yaml": (step("{id: \uff41bc, stop: {outcome: b}}"), "WF124", 12),
    "id_twice.yaml": (
        STEPS + b"      - {id: a, stop: {outcome: b}}\n      - {id: a, stop: {outcome: c}}\n",
        "WF127",
        13,
    ),
    "key_homoglyph.yaml": (also("h\u0430rm: a\n"), "WF120", 11),
    "action_homoglyph.yaml": (step("{id: a, action: p\u0430ge, with: {role: ops_lead, about: b}}"), "WF124", 12),
    "owner_combining.yaml": (instead("[team]", "[te\u0301am]"), ACCEPTED, 0),
    "title_script.yaml": (instead("title: Hostile", 'title: "<script>alert(1)</script>"'), ACCEPTED, 0),
    "title_markdown.yaml": (instead("title: Hostile", 'title: "[x](javascript:alert(1))"'), ACCEPTED, 0),
    "title_formula.yaml": (instead("title: Hostile", "title: '=cmd|calc'"), ACCEPTED, 0),
    "title_long.yaml": (instead("title: Hostile", "title: " + "a" * 5000), "WF123", 3),
    # numbers and durations
    "items_beyond_64_bits.yaml": (instead("max_items: 100", "max_items: 9223372036854775808"), "WF122", 8),
    "items_negative.yaml": (instead("max_items: 100", "max_items: -1"), "WF402", 8),
    "items_contradict.yaml": (instead("max_items: 100", "max_items: 1, min_items: 2"), "WF129", 8),
    "bound_not_a_number.yaml": (instead("order_id: string", "order_id: {type: number, min: .nan}"), "WF122", 9),
    "bound_infinite.yaml": (instead("order_id: string", "order_id: {type: number, max: .inf}"), "WF122", 9),
    "window_negative.yaml": (within("-5m"), "WF125", 12),
    "window_zero.yaml": (within("0s"), "WF125", 12),
    "window_huge.yaml": (within("99999999999999999999d"), "WF125", 12),
    "window_overflows.yaml": (within("999999d"), "WF125", 12),
    "window_without_unit.yaml": (within("10"), "WF125", 12),
    "window_iso.yaml": (within("PT10M"), "WF125", 12),
    "window_sexagesimal.yaml": (within("10:00"), "WF125", 12),
    "window_exponent.yaml": (within("1e9h"), "WF125", 12),
    "window_not_a_number.yaml": (within(".nan"), "WF125", 12),
    "wait_negative.yaml": (step("{id: a, wait: {for: -1h}}"), "WF125", 12),
    "wait_endless.yaml": (step("{id: a, wait: {for: 999999d}}"), "WF125", 12),
    "rounds_without_pause.yaml": (
        step(
            "{id: a, repeat: {every: 0s, times: 10, until: 'false', on_exhausted: fail}, "
            "steps: [{id: b, wait: {for: 1s}}]}"
        ),
        "WF125",
        12,
    ),
    "retry_bomb.yaml": (
        step(
            "{id: a, action: page, with: {role: ops_lead, about: b}, "
            "retry: {times: 1000000000, first: 1s, factor: 1, up_to: 1s}}"
        ),
        "WF123",
        12,
    ),
    "retry_factor.yaml": (
        step(
            "{id: a, action: page, with: {role: ops_lead, about: b}, "
            "retry: {times: 3, first: 1s, factor: 1e308, up_to: 1s}}"
        ),
        "WF123",
        12,
    ),
    "many_steps.yaml": (
        STEPS
        + b"".join(b"      - {id: s%d, action: page, with: {role: ops_lead, about: b}}\n" % n for n in range(3000)),
        "WF402",
        12,
    ),
    "many_branches.yaml": (
        step(
            "{id: a, parallel: {branches: {"
            + ", ".join(f"b{n}: [{{id: s{n}, action: page, with: {{role: ops_lead, about: b}}}}]" for n in range(800))
            + "}, join: all}}"
        ),
        "WF402",
        12,
    ),
    "many_seats.yaml": (gated({"from": "[" + ", ".join(["legal_counsel"] * 500) + "]"}), "WF402", 12),
    # people and effects
    "approved_by_the_requester.yaml": (gated({"from": "[requester]"}), "WF212", 12),
    "approved_by_the_excluded.yaml": (gated({"not": "[legal_counsel]"}), "WF305", 12),
    "approved_by_nobody.yaml": (gated({"from": "[]"}), "WF123", 12),
    "approved_by_a_new_role.yaml": (gated({"from": "[superuser]"}), "WF212", 12),
    "approved_by_silence.yaml": (gated({"on_silence": "{escalate: [exec_sponsor], then: approve}"}), "WF123", 12),
    "a_no_that_goes_on.yaml": (gated({"on_deny": "continue"}), "WF123", 12),
    "a_no_unsaid.yaml": (gated({"on_deny": ""}), "WF303", 12),
    "destroys_without_gate.yaml": (
        step('{id: a, action: content.delete, with: {url: "https://example.test/", snapshot: "sha256:00"}}'),
        "WF301",
        12,
    ),
    "role_homoglyph.yaml": (
        step("{id: a, action: page, with: {role: \u043eps_lead, about: b}}"),
        "WF212",
        12,
    ),
    "role_that_nobody_holds.yaml": (step("{id: a, action: page, with: {role: ops_leed, about: b}}"), "WF212", 12),
    "address_as_destination.yaml": (
        step('{id: a, action: notify.email, with: {to: "somebody@example.test", about: b}}'),
        "WF211",
        12,
    ),
    "url_as_destination.yaml": (
        step('{id: a, action: notify.webhook, with: {to: "https://example.test/", about: b}}'),
        "WF211",
        12,
    ),
    "url_with_a_user.yaml": (
        step('{id: a, action: evidence.snapshot, with: {url: "https://user:word@example.test/"}}'),
        "WF211",
        12,
    ),
    "runs_itself.yaml": (step("{id: a, run: hostile}"), "WF224", 12),
    "runs_round_two.yaml": (step("{id: a, run: of-two}"), "WF224", 12),
    "runs_round_three.yaml": (step("{id: a, run: of-three, wait: false}"), "WF224", 12),
    "runs_into_a_ring.yaml": (step("{id: a, run: ring-one, wait: false}"), "WF224", 12),
    "runs_into_a_web.yaml": (step("{id: a, run: web-a, wait: false}"), "WF224", 12),
    "region_unknown.yaml": (instead("command: eu", "command: mars"), "WF217", 6),
    "region_outside_its_own.yaml": (instead("allowed: [eu, us]", "allowed: [us]"), "WF217", 6),
    "url_of_a_file.yaml": (
        step('{id: a, action: evidence.snapshot, with: {url: "file:///etc/passwd"}}'),
        "WF211",
        12,
    ),
    "url_inside.yaml": (
        step('{id: a, action: evidence.snapshot, with: {url: "http://169.254.169.254/latest/meta-data/"}}'),
        ACCEPTED,
        0,
    ),
}
"""File -> content, code of the finding that refuses it (or `ACCEPTED`), its line."""
