"""Compile and check: what becomes of an expression, and where the mistakes are."""

import pytest

from watchfloor.expressions import ExpressionRefused, UnknownName, compile

VARIABLES = {
    "inputs.urls": "list<string>",
    "inputs.details": "map<string,dyn>",
    "inputs.count": "int",
    "inputs.weight": "double",
    "facts.seen": "timestamp",
    "facts.seen.at": "timestamp",
    "steps.look.all_gone": "bool",
    "url": "string",
    "now": "timestamp",
}


def refusal(src: str) -> ExpressionRefused:
    with pytest.raises(ExpressionRefused) as caught:
        compile(src, VARIABLES)
    return caught.value


def test_an_expression_carries_only_the_variables_it_uses() -> None:
    expr = compile("steps.look.all_gone && size(inputs.urls) > 1", VARIABLES)
    assert expr["vars"] == {"inputs.urls": "list<string>", "steps.look.all_gone": "bool"}
    assert expr["type"] == "bool"


@pytest.mark.parametrize("src", ["has(facts.seen)", "has( facts.seen )", "true && has(facts.seen) || false"])
def test_has_becomes_a_variable_and_no_character_moves(src: str) -> None:
    expr = compile(src, VARIABLES)
    assert expr["vars"] == {"has.facts.seen": "bool"}
    assert len(expr["cel"]) == len(src)


def test_has_of_a_field_of_a_map_stays_a_question_to_the_map() -> None:
    expr = compile("has(inputs.details.owner)", VARIABLES)
    assert expr["cel"] == expr["src"]
    assert expr["vars"] == {"inputs.details": "map<string,dyn>"}


def test_the_longest_declared_name_is_meant() -> None:
    assert compile("facts.seen.at", VARIABLES)["vars"] == {"facts.seen.at": "timestamp"}


@pytest.mark.parametrize(
    ("src", "kind"),
    [
        ("inputs.urls.map(each, size(each))", "list<int>"),
        ("inputs.urls.filter(each, each != url)", "list<string>"),
        ("facts.seen + days(3)", "timestamp"),
        ('now - facts.seen > duration("90m")', "bool"),
        ("inputs.weight * 2.0", "double"),
        ("inputs.details.x", "dyn"),
        ("inputs.count > 3 ? url : inputs.urls[0]", "string"),
        ('{"a": inputs.count}', "map<string,int>"),
    ],
)
def test_types_are_known_before_anything_runs(src: str, kind: str) -> None:
    assert compile(src, VARIABLES)["type"] == kind


@pytest.mark.parametrize(
    ("src", "start", "end"),
    [("inputs.url", 7, 10), ("steps.lock.all_gone", 6, 10), ("steps.look.gone", 11, 15), ("urls", 0, 4)],
)
def test_an_unknown_name_is_found_at_its_first_wrong_part(src: str, start: int, end: int) -> None:
    with pytest.raises(UnknownName) as caught:
        compile(src, VARIABLES)
    assert (caught.value.start, caught.value.end) == (start, end)


def test_a_name_that_a_loop_binds_is_known_inside_and_unknown_after() -> None:
    compile("inputs.urls.exists(each, each == url)", VARIABLES)
    with pytest.raises(UnknownName) as caught:
        compile("inputs.urls.exists(each, true) && each == url", VARIABLES)
    assert caught.value.start == 34


@pytest.mark.parametrize(
    ("src", "topic", "start", "words"),
    [
        ("1 +", "syntax", 3, "too early"),
        ("inputs.count = 3", "syntax", 13, "`=`"),
        ("true and false", "syntax", 5, "unexpected `and`"),
        ('url == "x', "syntax", 7, "not closed"),
        ("${{ url }}", "syntax", 0, "`$`"),
        ("(inputs.count", "syntax", 13, "too early"),
        ("inputs.urls.sise()", "function", 12, "unknown function `sise`"),
        ("days(inputs.count)", "literal", 0, "`days` takes one whole number"),
        ('duration("7d")', "literal", 0, "`duration` takes one duration"),
        ("business_days(3)", "business_days", 0, "`business_days`"),
        ("inputs.count + url", "types", 13, "does not fit int and string"),
        ("inputs.weight > 3", "types", 14, "does not fit double and int"),
        ("inputs.urls.map(inputs, inputs)", "syntax", 12, "would be hidden"),
        ("has(1)", "syntax", 0, "`has` needs one name"),
        ("for.x", "syntax", 0, "reserved"),
    ],
)
def test_a_mistake_has_a_topic_and_a_place(src: str, topic: str, start: int, words: str) -> None:
    error = refusal(src)
    assert (error.topic, error.start) == (topic, start)
    assert words in str(error)


def test_mixing_numbers_says_how_to_write_them() -> None:
    assert "3.0" in refusal("inputs.weight > 3").help


def test_a_place_after_a_line_break_counts_from_the_start() -> None:
    error = refusal("true &&\n  inputs.count + url")
    assert error.start == "true &&\n  inputs.count + url".index("+")


@pytest.mark.parametrize(
    "src",
    [
        *("(" * 40 + "1" + ")" * 40, "[" * 40 + "]" * 40, "!" * 40 + "true", "1" + "+1" * 60),
        *("x" * 5000, '"' + "a" * 5000 + '"', "size(" * 40 + ")" * 40, "true ? 1 : " * 40 + "2", "now" + "[0]" * 60),
    ],
)
def test_too_deep_and_too_long_are_refused_before_the_engine_sees_them(src: str) -> None:
    error = refusal(src)
    assert "nested too deeply" in str(error) or ("5" in str(error) and "characters" in str(error))


def test_long_chains_of_and_are_not_deep() -> None:
    assert compile(" && ".join(["steps.look.all_gone"] * 100), VARIABLES)["type"] == "bool"
