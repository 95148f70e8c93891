"""What a worker does with a request, its warm-up first, and how it reads the clock: by a clock that the test turns."""

import json
import os
import re
import shutil
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from common import RECIPES, Problem, RosettaError, load_weights
from common.backend import BACKENDS
from common.comparison import Request, Scene
from common.comparison import row_runner as runner_module
from common.comparison.row_runner import RowRunner
from common.comparison.workers import NO_DELAY, Delay, Job, Worker, server
from common.comparison.workers.server import Handlers, seconds_of
from common.results import LossTerms, RunResult, Step

TERMS = LossTerms({}, {"relu1_1": 1.0}, 0.0)


class FakeBackend:
    """A backend that notes what it is asked."""

    def __init__(self):
        self.calls, self.seeds = [], []

    def check_arithmetic(self, network):
        pass

    def check_precisions(self, problem):
        pass

    def environment(self, network):
        return {}

    def Objective(self, problem):  # noqa: N802
        calls, gradient = self.calls, np.zeros_like(problem.content)
        return SimpleNamespace(
            variable=lambda pixels: pixels,
            wait=lambda: None,
            evaluate=lambda _: (TERMS, gradient),
            forward_terms=lambda _: calls.append("forward"),
            terms_and_gradient=lambda _: calls.append("evaluation"),
        )

    def stylize(self, problem, init, seed, on_step):
        self.seeds.append(seed)
        step = Step(1, 1, 0.1, 0.1, 0.1, TERMS)
        on_step(step, lambda: problem.content)
        return RunResult(problem.content, TERMS, (step,), 0.0)


@pytest.fixture(scope="module")
def problem():
    pictures = np.random.default_rng(0).random((2, 40, 36, 3), np.float32)
    return Problem(*pictures, RECIPES["d2l"], load_weights("random:3"), "float64", mode="eager")


def job(problem, **values):
    return Job(problem=problem, weights_source="random:3", **values)


def test_a_job_is_the_same_when_read_back(problem, tmp_path):
    job(problem, seed=7, image=problem.content).write(tmp_path / "job")
    again = Job.read(tmp_path / "job")
    assert (again.seed, again.weights_source) == (7, "random:3")
    for name in ("recipe", "precision", "device", "mode"):
        assert getattr(again.problem, name) == getattr(problem, name)
    assert again.problem.weights.sha256 == problem.weights.sha256
    np.testing.assert_array_equal(again.problem.style, problem.style)
    np.testing.assert_array_equal(again.image, problem.content)


def changed(folder, **values):
    path = folder / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"precision": "float16"}, "precision is 'float16', not 'float32' or"),
        ({"device": None}, "device is None, not a text"),
        ({"mode": 5}, "mode is 5, not a text or null"),
        ({"recipe": "d2l"}, "recipe is 'd2l', not an object"),
        ({"recipe": {}}, "recipe has no pixel_space"),
        ({"weights": ["random"]}, "weights is ['random'], not a text"),
        ({"seed": "7"}, "seed is '7', not a whole number"),
        ({"seed": True}, "seed is True, not a whole number"),
    ],
)
def test_a_job_that_is_malformed_is_refused_by_the_place(problem, tmp_path, change, words):
    job(problem).write(tmp_path / "job")
    changed(tmp_path / "job", **change)
    with pytest.raises(RosettaError, match=re.escape(f"job' holds no job ({words}")):
        Job.read(tmp_path / "job")


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, '{"seed": 1, "seed": 1}', '{"seed": NaN}'])
def test_what_is_no_job_is_one_line(problem, tmp_path, text):
    job(problem).write(tmp_path / "job")
    (tmp_path / "job" / "job.json").write_text(text)
    with pytest.raises(RosettaError, match=r"holds no job \([^\n]+\): write one by Job.write"):
        Job.read(tmp_path / "job")


@pytest.mark.parametrize("images", [{}, {"content": np.zeros((40, 36, 3))}, {"style": "a", "content": "b"}])
def test_a_job_without_its_pictures_is_one_line(problem, tmp_path, images):
    job(problem).write(tmp_path / "job")
    np.savez(tmp_path / "job" / "images.npz", **images)
    with pytest.raises(RosettaError, match=r"holds no job|give numbers"):
        Job.read(tmp_path / "job")


def test_a_job_in_a_pipe_is_not_waited_for(problem, tmp_path):
    job(problem).write(tmp_path / "job")
    for name in ("images.npz", "job.json"):
        (tmp_path / "job" / name).unlink()
        os.mkfifo(tmp_path / "job" / name)
        with pytest.raises(RosettaError, match=f"{name}' is a pipe"):
            Job.read(tmp_path / "job")
        (tmp_path / "job" / name).unlink()
        job(problem).write(tmp_path / "again")
        (tmp_path / "again" / name).rename(tmp_path / "job" / name)
        shutil.rmtree(tmp_path / "again")


@pytest.mark.parametrize(
    "line", ["", "hello", "[]", "5", "{}", '{"action": "none"}', "[" * 100_000, '{"action": "device", "x": 1}']
)
def test_a_request_that_is_malformed_is_answered(line):
    events = []
    emit = lambda kind, value: events.append((kind, value))  # noqa: E731
    server._answer(Handlers(FakeBackend(), emit), line, emit)
    ((kind, value),) = events
    assert kind == "error"
    assert len(value.splitlines()) == 1


def test_the_seed_of_a_request_reaches_the_backend(problem, tmp_path):
    scene = Scene.of(Request(weights="random", seed=11))
    assert scene.job(problem, None).seed == 11
    job(problem, seed=11).write(tmp_path / "job")
    backend, events = FakeBackend(), []
    Handlers(backend, lambda kind, value: events.append((kind, value))).do("stylize", str(tmp_path / "job"))
    assert backend.seeds == [11]
    assert events == [("step", TERMS.by_kind())]


def test_a_turn_begins_with_a_warm_up_that_does_not_count(problem, tmp_path):
    backend = FakeBackend()
    handlers = Handlers(backend, lambda *_: None)
    job(problem, image=problem.content).write(tmp_path / "job")
    handlers.do("prepare", str(tmp_path / "job"))
    backend.calls.clear()
    values = handlers.do("measure", evaluations=3, forwards=2, delay={"timed": 0.0, "untimed": 0.0})
    assert (len(values["evaluation_s"]), len(values["forward_s"])) == (3, 2)
    assert backend.calls.count("evaluation") > 3 + 10, "a warm-up of many instant evaluations"
    assert backend.calls[-2:] == ["forward"] * 2


def interpreter(folder, script):
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_measured_process_keeps_its_memory_and_its_threads(backend, tmp_path):
    names = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "OMP_NUM_THREADS", *BACKENDS[backend].thread_variables)
    values = ", ".join(f'\\"{name}\\": \\"${name}\\"' for name in names)
    python = interpreter(tmp_path, f'echo "{{\\"imported\\": {{{values}}}}}"')
    with Worker(backend, python, threads=3) as worker:
        measured = worker.imported()
    assert (measured["MALLOC_MMAP_MAX_"], int(measured["MALLOC_TRIM_THRESHOLD_"])) == ("0", 2**40)
    assert {measured[name] for name in names[2:]} == {"3"}
    with Worker(backend, python) as worker:
        assert worker.imported()["MALLOC_MMAP_MAX_"] == os.environ.get("MALLOC_MMAP_MAX_", "")


def test_the_children_of_a_worker_end_with_it(tmp_path):
    """A compiler that a framework has started, say."""
    script = """sleep 300 &
echo "{\\"imported\\": {\\"child\\": $!}}"
read line"""
    with Worker("torch", interpreter(tmp_path, script)) as worker:
        child = psutil.Process(worker.imported()["child"])
        assert child.is_running()
    worker.close()  # again, which does nothing
    for _ in range(100):
        if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError("the child lives on")


def test_a_row_is_measured_with_its_own_delay(monkeypatch):
    class FakeWorker:
        asked = []  # noqa: RUF012

        def __init__(self, *_):
            self.pid, self.variables = 0, {}

        def imported(self):
            return {"import_s": 1.0}

        def ask(self, action, job=None, on_event=None, **numbers):
            self.asked.append(json.loads(json.dumps({"action": action, **numbers})))
            return SimpleNamespace(values={"evaluation_s": [1.0], "forward_s": [0.5]}, arrays={})

    from common.cli.selftest import delayed
    from common.comparison.progress import Progress

    monkeypatch.setattr(runner_module, "Worker", FakeWorker)
    request = Request(weights="random", sizes=("48",), backends=("torch",))
    scene = Scene.of(request)
    for row in delayed(request.rows[0]):
        runner = RowRunner(row, scene, 1, Progress())
        runner.start()
        runner.measure(3)
    assert [asked["delay"]["timed"] for asked in FakeWorker.asked] == [0.0, 0.0, 0.05, 0.20]
    assert [asked["delay"]["untimed"] for asked in FakeWorker.asked] == pytest.approx([0.20, 0.20, 0.15, 0.0])


# Reading the clock.

WORK_NS, WAIT_NS, TICK_NS = 1_000_000, 250_000, 50
BOTH_NS = WORK_NS + WAIT_NS
READINGS_S = 10 * TICK_NS / 1e9  # reading the clock takes a tick, and a few readings lie in every duration


class Bench:
    """A clock, and work that takes time on it; notes what happened in which order."""

    def __init__(self):
        self.now_ns, self.events = 0, []

    def perf_counter_ns(self):
        self.now_ns += TICK_NS
        self.events.append("read")
        return self.now_ns

    def work(self):
        self.now_ns += WORK_NS
        self.events.append("work")

    def wait(self):
        self.now_ns += WAIT_NS
        self.events.append("wait")


@pytest.fixture
def bench(monkeypatch):
    bench = Bench()
    monkeypatch.setattr(server, "time", bench)
    return bench


def without_repeats(events):
    return [event for before, event in zip(["", *events], events, strict=False) if event != before]


def test_the_device_is_idle_before_the_first_reading_and_after_each_work(bench):
    seconds_of(bench.work, bench.wait, 3)
    assert without_repeats(bench.events) == ["wait", *["read", "work", "wait"] * 3, "read"]


def test_a_duration_is_of_the_work_and_of_the_wait_for_it(bench):
    assert seconds_of(bench.work, bench.wait, 4) == pytest.approx([BOTH_NS / 1e9] * 4, abs=READINGS_S)


def test_the_wait_before_the_first_reading_is_not_in_the_first_duration(bench):
    first, second = seconds_of(bench.work, bench.wait, 2)
    assert first == second


def test_no_call_gives_no_duration(bench):
    assert seconds_of(bench.work, bench.wait, 0) == []
    assert "work" not in bench.events


@pytest.mark.parametrize("timed", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("untimed", [0.0, 0.05, 0.5])
def test_the_timed_part_of_the_delay_is_in_and_the_untimed_part_is_not(bench, timed, untimed):
    found = seconds_of(bench.work, bench.wait, 3, Delay(timed, untimed))
    assert found == pytest.approx([(1 + timed) * BOTH_NS / 1e9] * 3, abs=READINGS_S)


@pytest.mark.parametrize("delay", [Delay(0.3, 0.0), Delay(0.0, 0.3), Delay(0.2, 0.1), Delay(0.1, 0.2)])
def test_rows_that_wait_equally_long_take_equally_long(bench, delay):
    seconds_of(bench.work, bench.wait, 3, delay)
    assert bench.now_ns == pytest.approx(WAIT_NS + 3 * 1.3 * BOTH_NS, abs=3 * READINGS_S * 1e9)


def test_by_default_there_is_no_delay(bench):
    seconds_of(bench.work, bench.wait, 5)
    assert Delay(0.0, 0.0) == NO_DELAY
    assert bench.now_ns <= WAIT_NS + 5 * (BOTH_NS + 10 * TICK_NS)


def test_a_turn_ends_when_it_has_been_long_enough_but_not_before_the_first(bench, monkeypatch):
    monkeypatch.setattr(server, "LONGEST_TURN_S", 2.5 * BOTH_NS / 1e9)
    assert len(seconds_of(bench.work, bench.wait, 10)) == 3
    monkeypatch.setattr(server, "LONGEST_TURN_S", 1e-9)
    assert len(seconds_of(bench.work, bench.wait, 10)) == 1
