"""What is printed when, and in which words: each part once when it is known, a ratio never without its interval."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import report_samples as samples
from report_samples import shown

from common.comparison.rendering.page import render_markdown, render_page
from common.comparison.reporting import print_conclusion, print_part, report_of
from common.comparison.reporting.summary import timing_table, verdict_lines

PARTS = ("algorithm", "agreement", "timing", "whole")
FAST = tuple((seconds,) * 3 for seconds in (1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0))
SLOW = tuple((2 * seconds,) * 3 for (seconds, *_) in FAST)


def result(kind, rounds_s, precision="float32"):
    return samples.measured(samples.row(kind, precision), 1.0, rounds_s=rounds_s)


@pytest.fixture(scope="module")
def report():
    rows = (result("torch eager", FAST), result("keras graph", SLOW), result("torch eager", FAST, "bfloat16"))
    return samples.reported(*rows, algorithm=(samples.algorithm(),))


def test_a_ratio_that_is_not_shown_has_the_words_of_the_verdict_in_every_table():
    """A number in a column beside "no difference shown" in a sentence was taken for a difference."""
    slow = tuple((s * factor,) for (s, *_), factor in zip(FAST, (0.9, 1.3, 1.0, 1.4, 0.8, 1.2, 1.5), strict=True))
    report = samples.reported(result("torch eager", FAST), result("keras graph", slow))
    (ratio,) = report.groups[0].ratios
    assert re.fullmatch(r"no difference shown \(0\.\d\d to 1\.\d\d\)", ratio.verdict)
    page = render_page(report, {}).split("Method</h2>")[0]
    assert f"<td>{ratio.verdict}</td>" in page
    for text in (shown(timing_table(report.groups[0])), render_markdown(report), page):
        assert ratio.verdict in text
        assert f"{ratio.ratio:.2f}x" not in text


def test_a_disturbed_runs_verdicts_are_not_bold():
    rows = (result("torch eager", FAST), result("keras graph", SLOW))
    for fraction, bold in ((0.05, True), (0.45, False)):
        report = samples.reported(*rows, others_fraction=fraction)
        (ratio,) = report.groups[0].ratios
        assert (f"<strong>{ratio.verdict}</strong>" in render_page(report, {})) is bold
        assert (f"**{ratio.verdict}**" in render_markdown(report)) is bold
        assert ("bold" in [span.style for span in next(verdict_lines(report)).spans]) is bold
        assert ratio.verdict in render_markdown(report)


def test_what_is_known_is_printed_once(report, capsys):
    """Each part has its tables, the end has sentences; a line of a table stands nowhere else."""
    main = replace(report, groups=report.groups[:1])
    for part in PARTS:
        print_part(main, part)
    parts = capsys.readouterr().out
    print_conclusion(main, Path("there"))
    ending = capsys.readouterr().out
    for title in ("Relative", "Each row against", "Seconds an evaluation", "Seconds by phase", "Operations and"):
        assert (parts.count(title), ending.count(title)) == (1, 0)
    assert "All rows agree" in ending
    assert "there/report.html" in ending


def test_that_a_run_was_disturbed_is_said_with_its_timing_and_at_the_end(report, capsys):
    disturbed = replace(report, others_fraction=0.4)
    said = []
    for part in PARTS:
        print_part(disturbed, part)
        said.append("do not quote" in capsys.readouterr().out)
    assert said == [False, False, True, False]
    print_conclusion(disturbed, Path("there"))
    assert "do not quote" in capsys.readouterr().out


def test_a_part_can_be_reported_alone():
    rows = (result("torch eager", FAST), result("torch eager", FAST, "bfloat16"))
    session = samples.Finished(rows)
    alone, _ = report_of(session, complete=False, groups=session.request.groups[1:])
    assert [group.title for group in alone.groups] == ["bfloat16, 170x256 px"]
    assert report_of(session, complete=False, groups=())[0].groups == ()
