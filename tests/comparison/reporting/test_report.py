"""Every figure of a report, traced to a session whose measurements are known."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import report_samples as samples
from report_samples import shown

from common.comparison.measurement import Limit
from common.comparison.rendering.page import render_markdown, render_page
from common.comparison.reporting import report_of, report_to_json
from common.comparison.reporting.summary import (
    phases_table,
    resources_table,
    row_agreement_table,
    timing_table,
    verdict_lines,
)
from common.comparison.row_runner import Memory

MIB = 2**20
# By round: the fast row's medians are 1, 1, 1, 1, 2, 2, 2 and the slow row's twice as much, but 3 times in two rounds.
FAST = ((0.9, 1.0, 1.2),) * 4 + ((2.0, 2.0, 2.1),) * 3
SLOW = ((2.0, 2.0, 2.0),) * 4 + ((4.0, 4.0, 4.0),) + ((6.0, 6.0, 6.0),) * 2


def result(kind, rounds_s, losses=(8.0, 4.0, 2.0), precision="float32", **changes):
    base = samples.measured(samples.row(kind, precision), 1.0, rounds_s=rounds_s)
    phases = {**base.phases, "first_evaluation_s": 10.0, "forward_s": 0.25}
    run = samples.run_of(losses, 1.0, shade=changes.pop("shade", 0.5))
    return replace(base, phases=phases, run=run, **changes)


@pytest.fixture(scope="module")
def made():
    """A session of two rows in float32 and one in bfloat16, which disagrees with nothing."""
    fast = result(
        "torch eager", FAST, limit=Limit(6 * 10**9, 6e9, 12e9, 12e9), memory=Memory(300 * MIB, None, None), shade=0.2
    )
    slow = result("keras graph", SLOW, losses=(9.0, 3.0, 3.5), limit=Limit(6 * 10**9, 3e9, 3e9, 3e9), shade=0.3)
    half = result("torch eager", FAST, precision="bfloat16", limit=Limit(6 * 10**9, 6e9, 24e9, 24e9))
    return report_of(samples.Finished((fast, slow, half), others_fraction=0.03), complete=True)


@pytest.fixture(scope="module")
def report(made):
    return made[0]


@pytest.fixture(scope="module")
def fast(report):
    return report.groups[0].rows[0]


@pytest.fixture(scope="module")
def slow(report):
    return report.groups[0].rows[1]


def test_medians_quartiles_and_counts_are_of_all_evaluations(fast, slow):
    every = sorted(duration for durations in FAST for duration in durations)
    assert fast.evaluation.median_s == every[10] == 1.2
    assert fast.evaluation.quartiles_s == (every[5], every[15]) == (1.0, 2.0)
    assert (fast.evaluation.count, fast.evaluation.noisy, fast.evaluation.rounds_s) == (21, True, FAST)
    assert slow.evaluation.median_s == 2.0


def test_the_ratio_is_of_paired_rounds_with_its_interval(report, fast, slow):
    (ratio,) = report.groups[0].ratios
    assert (ratio.row, ratio.to, ratio.rounds) == (slow.name, fast.name, 7)
    assert ratio.ratio == pytest.approx(2.0)
    assert (ratio.low, ratio.high) == pytest.approx((2.0 / 1.015, 3.0 * 1.015)), "4 of 7 drawn are 3 in 10%"
    assert ratio.verdict == "2.00x slower (1.97 to 3.05)"
    assert report.groups[0].against_fastest == {slow.name: ratio}
    assert report.groups[0].fastest == fast


def test_all_rows_of_a_precision_have_the_same_ceiling_which_is_the_best_product_of_any(report, fast, slow):
    assert [row.limit.ceiling_flops_per_s for row in report.groups[0].rows] == [12e9, 12e9]
    assert [row.limit.product_flops_per_s for row in report.groups[0].rows] == [12e9, 3e9], "what each reached"
    assert (fast.limit.fraction, slow.limit.fraction) == (0.5, 0.25)
    (half,) = report.groups[1].rows
    assert (half.limit.ceiling_flops_per_s, half.limit.fraction) == (24e9, 0.25), "another precision, another ceiling"


def test_the_ceiling_is_of_all_sizes(monkeypatch):
    small = result("torch eager", FAST, limit=Limit(1, 6e9, 3e9, 3e9))
    other = replace(samples.REQUEST.groups[0], size="128")
    large = replace(small, row=replace(small.row, group=other), limit=Limit(1, 6e9, 12e9, 12e9))
    request = replace(samples.REQUEST, sizes=("256", "128"))
    report, _ = report_of(samples.Finished((small, large), request=request), complete=True)
    assert [row.limit.fraction for row in report.rows] == [0.5, 0.5]


def test_the_phases_are_what_was_measured_and_backward_is_the_rest_of_an_evaluation(fast):
    phases = fast.phases
    assert (phases.import_s, phases.weights_s, phases.build_s, phases.saving_s) == (1.31, 0.21, 1.12, 0.019)
    assert (phases.first_evaluation_s, phases.forward_s, phases.optimizer_s) == (10.0, 0.25, samples.OPTIMIZER_S)
    assert phases.backward_s == pytest.approx(1.2 - 0.25)


def test_curves_begin_with_the_first_evaluation_of_a_new_process_and_meet_at_the_common_loss(report, fast, slow):
    step_s = 1.0 + samples.OPTIMIZER_S
    assert fast.convergence.losses == (8.0, 4.0, 2.0)
    assert fast.convergence.seconds == pytest.approx((10.0, 10.0 + step_s, 10.0 + 2 * step_s))
    assert (fast.convergence.best_loss, slow.convergence.best_loss) == (2.0, 3.0)
    assert report.groups[0].common_loss == 3.0, "the best loss that all reach"
    assert (fast.common.evaluations, slow.common.evaluations) == (3, 2)
    assert (fast.common.seconds, slow.common.seconds) == pytest.approx((10.0 + 2 * step_s, 10.0 + step_s))


def test_a_row_that_disagrees_has_no_say_in_the_common_loss_and_no_ratio():
    rows = (result("torch eager", FAST), samples.wrong(result("keras graph", SLOW, losses=(9.0, 7.0))))
    (group,) = samples.reported(*rows).groups
    assert (group.common_loss, group.ratios, group.against_fastest, group.fastest) == (2.0, (), {}, None)
    assert [row.ranked for row in group.rows] == [True, False]
    assert group.rows[1].evaluation.median_s == 2.0, "its time is kept"
    assert group.rows[1].common is None
    assert [row.name for row in group.ranking] == ["torch eager float32 256", "keras graph float32 256"]


def test_a_fast_wrong_row_is_last_and_the_others_are_ranked_without_it():
    wrong = samples.wrong(result("torch compiled", ((0.1,),) * 7))
    (group,) = samples.reported(wrong, result("torch eager", FAST), result("keras graph", SLOW)).groups
    assert [row.name.rsplit(" ", 2)[0] for row in group.ranking] == ["torch eager", "keras graph", "torch compiled"]
    assert [(ratio.row, ratio.to) for ratio in group.ratios] == [("keras graph float32 256", "torch eager float32 256")]
    text = render_markdown(samples.reported(wrong, result("torch eager", FAST), result("keras graph", SLOW)))
    (struck,) = [line for line in text.splitlines() if line.startswith("| ~~PyTorch compiled~~") and "ms" in line]
    assert "x (" not in struck
    assert "fastest" not in struck


def test_a_row_that_died_after_it_agreed_is_not_ranked():
    died = replace(result("torch eager", FAST), status="died", why="killed")
    report = samples.reported(died, result("keras graph", SLOW))
    assert [row.ranked for row in report.rows] == [False, True]
    assert report.rows[0].state == "died: killed"
    assert report.groups[0].ratios == ()


def test_rows_are_ranked_with_their_own_precision_alone(report):
    assert [group.title for group in report.groups] == ["float32, 170x256 px", "bfloat16, 170x256 px"]
    assert report.groups[1].ratios == ()
    assert [report.note(group) for group in report.groups] == ["", "not ranked with float32"]


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_a_report_of_one_precision_is_ranked_whichever_it_is(precision):
    rows = [
        result(kind, rounds, precision=precision) for kind, rounds in (("torch eager", FAST), ("keras graph", SLOW))
    ]
    report = samples.reported(*rows)
    assert len(report.groups[0].ratios) == 1
    for text in (render_markdown(report), render_page(report, samples.pictures_for(report))):
        assert "not ranked" not in text.split("Method</h2>")[0].replace("A\nhatched bar is not ranked", "").replace(
            "A hatched bar is not ranked", ""
        )
        assert "2.00x slower" in text


def test_the_main_precision_comes_first_whatever_the_order(report):
    turned = replace(report, groups=report.groups[::-1])
    assert [group.precision for group in turned.by_precision] == ["float32", "bfloat16"]


def test_memory_is_in_bytes_and_shown_in_mib(report, fast):
    assert fast.memory.resident_bytes == 300 * MIB
    assert "| 300 MiB |" in render_markdown(report)
    assert "300 MiB" in shown(resources_table(report.groups[0]))


def test_pictures_are_compared_with_the_first_of_their_group(made):
    report, pictures = made
    (difference,) = report.groups[0].differences
    assert (difference.row, difference.to) == ("keras graph float32 256", "torch eager float32 256")
    assert difference.psnr_db == pytest.approx(-10 * math.log10(0.1**2 / 3), abs=1e-4), "0.1 apart in one of 3 colours"
    assert 0.9 < difference.ssim < 1
    assert difference.heat_map == "keras-graph-float32-256-and-torch-eager-float32-256.png"
    assert pictures[difference.heat_map].shape == (85, 128, 3)
    assert np.array_equal(pictures["torch-eager-float32-256.png"], samples.picture(0.2))
    assert np.array_equal(pictures["keras-graph-float32-256.png"], samples.picture(0.3))
    assert report.groups[1].differences == ()


def test_rows_whose_names_differ_in_odd_letters_alone_have_pictures_of_their_own():
    rows = [result(kind, FAST) for kind in ("torch a/b", "torch a b", "torch a?b")]
    pictures = [row.picture for row in samples.reported(*rows).rows]
    assert pictures == ["torch-a-b-float32-256.png", "torch-a-b-float32-256-2.png", "torch-a-b-float32-256-3.png"]


def test_what_was_asked_for_and_what_was_read_stand_in_the_report(report):
    scene = samples.scene()
    assert (report.content.name, report.content.sha256) == ("chelsea.png", scene.content.sha256)
    assert (report.style.name, report.style.sha256) == (scene.style.path.name, scene.style.sha256)
    assert (report.weights.name, report.weights.sha256) == (scene.weights.name, scene.weights.sha256)
    assert (report.recipe, report.seed, report.device, report.threads, report.rounds) == ("d2l", 0, "cpu", 2, 10)
    assert (report.others_fraction, report.evaluations_per_round, report.schema) == (0.03, 3, 4)
    assert report.network.style_taps == scene.request.recipe.style_taps


def test_the_optimizers_are_matched_when_all_rows_have_the_same():
    fast, slow = result("torch eager", FAST), result("keras graph", SLOW)
    assert samples.reported(fast, slow).pairing == "customary"
    assert samples.reported(fast, replace(slow, optimizer=fast.optimizer)).pairing == "matched"


@pytest.mark.parametrize(("fraction", "words"), [(0.1, ""), (0.45, "Other processes took 45% of the machine")])
def test_a_disturbed_run_is_said_to_be_from_a_tenth_up(fraction, words):
    report = samples.reported(result("torch eager", FAST), others_fraction=fraction)
    assert report.disturbance.startswith(words)
    assert bool(report.disturbance) is bool(words)


def test_a_table_that_disagrees_makes_the_report_disagree():
    wrong = samples.algorithm(rows=(samples.Quantity("loss total", {"torch-oracle": 2e-12}, 1e-12),))
    assert samples.reported(result("torch eager", FAST), algorithm=(samples.algorithm(),)).agrees
    report = samples.reported(result("torch eager", FAST), algorithm=(samples.algorithm(), wrong))
    assert not report.agrees
    assert report.verdict == "Something DISAGREES: the algorithm in float64, 37x50 px."


def test_the_terminal_shows_the_same_figures(report):
    timing, resources, phases, agreement = (
        [" ".join(line.split()) for line in shown(table(report.groups[0])).splitlines()]
        for table in (timing_table, resources_table, phases_table, row_agreement_table)
    )
    assert "PyTorch eager 1.2000 noisy 1.0000 to 2.0000 21 fastest" in timing
    assert "Keras/TensorFlow graph 2.0000 noisy 2.0000 to 6.0000 21 2.00x slower (1.97 to 3.05)" in timing
    assert "PyTorch eager 6 50% 300 MiB" in resources
    assert "Keras/TensorFlow graph 3 25% 1049 MiB" in resources
    assert "PyTorch eager 1.31 0.21 1.12 10 0.25 0.95 0.0011 0.019" in phases
    assert "PyTorch eager 1e-07 4e-07 1e-13 2e-07 4e-07 1e-13 same" in agreement
    lines, where = [text.plain for text in verdict_lines(report)], "float32, 170x256 px"
    assert lines[0] == f"{where}: Keras/TensorFlow graph against PyTorch eager: 2.00x slower (1.97 to 3.05)"
    assert f"{where}: PyTorch eager: loss 3 after 3 evaluations of Adam, 12.0 s with the first one" in lines
    alone = [text.plain for text in verdict_lines(replace(report, groups=report.groups[:1]))]
    assert alone[0] == "Keras/TensorFlow graph against PyTorch eager: 2.00x slower (1.97 to 3.05)", "no group to tell"


def test_markdown_page_and_json_show_the_same_figures(report):
    markdown = render_markdown(report)
    assert "| PyTorch eager | 1.200 s (noisy) | 1.000 to 2.000 s | 21 | fastest | 6.00 | 50% | 300 MiB |" in markdown
    page = " ".join(render_page(report, {}).split())
    for cell in ("<td>1.200 s", "<td>1.000 to 2.000 s</td>", "<td>21</td>", "<td>fastest</td>", "<td>50%</td>"):
        assert cell in page
    values = json.loads(report_to_json(report))["groups"][0]
    assert values["rows"][0]["evaluation"]["rounds_s"] == [list(durations) for durations in FAST]
    assert values["rows"][1]["limit"]["fraction"] == 0.25
    assert values["ratios"][0]["verdict"] == "2.00x slower (1.97 to 3.05)"


def test_the_title_names_every_backend(report):
    group = report.groups[0]
    rows = [replace(row, backend=name) for row, name in zip(group.rows, ("torch", "keras"), strict=False)]
    rows += [replace(rows[0], backend="numpy")]
    three = replace(report, groups=(replace(group, rows=tuple(rows)),))
    assert three.title == "VGG-19 style transfer: PyTorch, Keras/TensorFlow and numpy"
