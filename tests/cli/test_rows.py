"""Which rows the options ask for, and what is said about options that ask for none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.backend import BACKENDS
from common.cli.main import parse
from common.cli.requests import measured_request_from
from common.comparison import Group
from common.errors import RosettaError
from common.problem import PRECISIONS

MODES = list(dict.fromkeys(mode for entry in BACKENDS.values() for mode in entry.modes))


def rows_of(*arguments):
    return measured_request_from(parse(arguments)).rows


def kinds_of(*arguments):
    return [(row.backend, row.mode) for row in rows_of(*arguments)]


def test_by_default_every_backend_runs_as_it_runs_by_default():
    rows = rows_of()
    assert [(row.backend, row.mode) for row in rows] == [(name, entry.modes[0]) for name, entry in BACKENDS.items()]
    assert {row.group for row in rows} == {Group("256", "float32")}
    assert {(row.python, row.delay.timed, row.delay.untimed) for row in rows} == {(None, 0.0, 0.0)}


def test_a_row_is_named_by_what_it_is():
    row = rows_of("--backends", "torch")[0]
    assert (row.name, row.kind, row.label) == ("torch eager float32 256", "torch eager", "PyTorch eager")


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        (["--backends", "keras"], [("keras", "graph")]),
        (["--backends", "keras,torch"], [("keras", "graph"), ("torch", "eager")]),
        (["--backends", " torch , torch,"], [("torch", "eager")]),
        (["--backends", "all"], [(name, entry.modes[0]) for name, entry in BACKENDS.items()]),
        (["--modes", "eager"], [(name, "eager") for name, entry in BACKENDS.items() if "eager" in entry.modes]),
        (["--modes", "xla,compiled"], [("torch", "compiled"), ("keras", "xla")]),
        (["--backends", "keras", "--modes", "all"], [("keras", mode) for mode in ("graph", "eager", "xla", "lean")]),
        (["--backends", "torch", "--modes", "graph,eager"], [("torch", "eager")]),
    ],
)
def test_backends_and_modes_choose_the_kinds(arguments, kinds):
    assert kinds_of(*arguments) == kinds


def test_the_rows_come_group_by_group_the_sizes_first_and_in_the_order_given():
    rows = rows_of(
        *("--backends", "torch,keras", "--sizes", "512,37x50", "--precisions", "float64,float32", "--row", "mine=torch")
    )
    groups = [Group(size, precision) for size in ("512", "37x50") for precision in ("float64", "float32")]
    assert [(row.group, row.kind) for row in rows] == [
        (group, kind) for group in groups for kind in ("torch eager", "keras graph", "mine")
    ]


def test_thorough_is_every_mode_and_precision_at_two_sizes():
    rows = rows_of("--thorough")
    kinds = {(name, mode) for name, entry in BACKENDS.items() for mode in entry.modes}
    assert {(row.backend, row.mode) for row in rows} == kinds
    assert {row.group for row in rows} == {Group(size, each) for size in ("64", "128") for each in PRECISIONS}
    assert len(rows) == len(kinds) * 2 * len(PRECISIONS)


def test_what_is_asked_for_goes_before_thorough():
    rows = rows_of("--thorough", "--modes", "lean", "--precisions", "float64", "--sizes", "64")
    assert [row.name for row in rows] == ["torch lean float64 64", "keras lean float64 64"]


def test_python_is_the_interpreter_of_every_row_of_its_backend():
    rows = rows_of("--python", "keras=/opt/a=b/python", "--modes", "all")
    assert {row.python for row in rows if row.backend == "keras"} == {"/opt/a=b/python"}
    assert {row.python for row in rows if row.backend == "torch"} == {None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mine=keras", ("mine", "keras", "graph", None)),
        ("my own=torch:compiled", ("my own", "torch", "compiled", None)),
        ("old=torch@/opt/p@2:1/python", ("old", "torch", "eager", "/opt/p@2:1/python")),
        ("old=keras:xla@py", ("old", "keras", "xla", "py")),
    ],
)
def test_a_row_has_a_name_a_backend_and_perhaps_a_mode_and_an_interpreter(text, expected):
    row = rows_of("--row", text)[-1]
    assert (row.kind, row.backend, row.mode, row.python) == expected
    assert expected[0] in row.label


@pytest.mark.parametrize(
    ("arguments", "value", "accepted"),
    [
        (["--backends", "torch,no-such"], "no-such", BACKENDS),
        (["--modes", "fast"], "fast", MODES),
        (["--modes", "default"], "default", MODES),
        (["--precisions", "float16"], "float16", PRECISIONS),
        (["--python", "no-such=python"], "no-such", BACKENDS),
        (["--row", "mine=no-such"], "no-such", BACKENDS),
        (["--row", "mine=torch:xla"], "xla", BACKENDS["torch"].modes),
        (["--backends", "torch", "--modes", "xla,graph"], "xla,graph", BACKENDS["torch"].modes),
        (["--row", "mine"], "mine", ["NAME=BACKEND", "NAME=BACKEND:MODE", "NAME=BACKEND@/path/to/python"]),
        (["--row", "=torch"], "=torch", ["NAME=BACKEND"]),
        (["--row", "mine=torch:"], "mine=torch:", ["NAME=BACKEND:MODE"]),
        (["--row", "mine=torch@"], "mine=torch@", ["NAME=BACKEND@/path/to/python"]),
        (["--python", "keras"], "keras", ["BACKEND=/path/to/python"]),
        (["--python", "keras="], "keras=", ["BACKEND=/path/to/python"]),
        (["--sizes", ","], ",", ["commas"]),
        (["--backends", " "], " ", ["commas"]),
        (["--row", "a=torch", "--row", "a=keras"], "a", ["--row", "name of its own"]),
        (["--row", "torch eager=torch"], "torch eager", ["--row", "name of its own"]),
    ],
)
def test_what_is_not_there_is_named_with_what_is_accepted(arguments, value, accepted):
    with pytest.raises(RosettaError) as caught:
        rows_of(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert value in message
    assert all(each in message for each in accepted)


subsets = {
    "--backends": st.lists(st.sampled_from(list(BACKENDS)), min_size=1),
    "--modes": st.lists(st.sampled_from(MODES), min_size=1),
    "--precisions": st.lists(st.sampled_from(PRECISIONS), min_size=1),
    "--sizes": st.lists(st.sampled_from(["64", "128", "37x50"]), min_size=1),
}


@settings(deadline=None, derandomize=True)
@given(st.fixed_dictionaries({}, optional=subsets), st.lists(st.sampled_from("abc"), unique=True), st.booleans())
def test_whatever_is_asked_for_the_names_are_unique_and_every_group_has_the_same_kinds(lists, named, thorough):
    arguments = [part for option, names in lists.items() for part in (option, ",".join(names))]
    arguments += [part for name in named for part in ("--row", f"{name}=torch")] + ["--thorough"] * thorough
    try:
        rows = rows_of(*arguments)
    except RosettaError:  # a mode that no chosen backend has
        assert not any(mode in BACKENDS[name].modes for name in lists["--backends"] for mode in lists["--modes"])
        return
    assert len({row.name for row in rows}) == len(rows)
    by_group = {row.group: [it.kind for it in rows if it.group == row.group] for row in rows}
    assert len({tuple(kinds) for kinds in by_group.values()}) == 1


@pytest.mark.parametrize("option", ["--backends", "--modes", "--precisions", "--sizes"])
def test_an_empty_list_is_not_taken_for_no_list(option):
    with pytest.raises(RosettaError):
        rows_of(option, "")


@pytest.mark.parametrize("name", ["oracle", "torch", "keras"])
def test_a_row_cannot_take_a_name_of_the_tables(name):
    with pytest.raises(RosettaError, match=f"cannot be named '{name}'"):
        rows_of("--row", f"{name}=torch")


def test_an_interpreter_is_its_backends_in_every_row_that_names_none():
    found = rows_of("--python", "torch=/a/python", "--row", "x=torch:compiled", "--row", "y=torch@/b/python")
    assert [row.python for row in found if row.backend == "torch"] == ["/a/python", "/a/python", "/b/python"]


def test_two_interpreters_for_one_backend_are_refused():
    with pytest.raises(RosettaError, match="names torch twice"):
        rows_of("--python", "torch=/a", "--python", "torch=/b")
