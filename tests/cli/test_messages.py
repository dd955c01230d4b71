from __future__ import annotations

from entreg.cli.messages import readable

UNION = """Parser key "model.loss":
  - Expected a path but x either not accessible or invalid
  - Does not validate against any of the Union subtypes
    Subtypes: [<class 'A'>, <class 'B'>]
    Errors:
      - Option 'epsilon' is not accepted
      - Option 'epsilon' is not accepted
    Given value type: <class 'jsonargparse._util.NestedArg'>
    Given value: NestedArg(key='epsilon', val='1')"""


def test_a_cause_is_said_once_and_internals_are_left_out() -> None:
    assert readable(UNION) == "model.loss: Option 'epsilon' is not accepted"


def test_an_unknown_class_name_says_how_to_name_one() -> None:
    message = 'Parser key "data":\n  - Expected a dot import path string: MNISTT'
    assert readable(message) == "data: no class named MNISTT is known here, did you mean MNIST?"


def test_the_choices_of_an_option_are_listed() -> None:
    message = 'Parser key "p":\n  Errors:\n    - Expected a typing.Literal[1, 2]\n  Given value: auto'
    assert readable(message) == "p: got 'auto', expected one of 1, 2"


def test_what_is_wrong_with_one_member_of_a_union_is_said_without_the_other() -> None:
    other, wrong = "Import path a.B does not correspond to a subclass of C", "gamma must be >= 0, got -1"
    assert readable(f'Parser key "model.loss":\n  - {other}\n  - {wrong}') == f"model.loss: {wrong}"
    assert readable(f'Parser key "model.loss":\n  - {other}') == f"model.loss: {other}"


def test_other_messages_are_only_folded() -> None:
    assert readable("two\n  lines") == "two lines"
