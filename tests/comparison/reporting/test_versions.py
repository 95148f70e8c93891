"""Rows of several versions of a framework say which they are, wherever their names stand."""

from dataclasses import replace

import pytest
import report_samples as samples

from common.comparison.rendering.page import render_markdown, render_page
from common.comparison.reporting.summary import timing_table, verdict_lines
from common.entry import Entry


def of_version(version, kind="torch eager", label=None):
    made = samples.measured(samples.row(kind, label=label), 0.3)
    return replace(made, environment={**made.environment, "versions": {"torch": version}})


@pytest.fixture
def installed(monkeypatch):
    """PyTorch 2.5 is installed here, whatever is."""
    monkeypatch.setattr(Entry, "versions", lambda entry: dict.fromkeys(entry.distributions, "2.5"))


@pytest.mark.usefixtures("installed")
def test_rows_of_several_versions_carry_them_in_their_names():
    old = of_version("2.4", "torch old", "old (PyTorch eager)")
    report = samples.reported(of_version("2.5"), old, samples.measured(samples.row("keras graph"), 0.4))
    new, old, keras = (row.label for row in report.rows)
    assert (new, old, keras) == ("PyTorch eager, torch 2.5", "old (PyTorch eager), torch 2.4", "Keras/TensorFlow graph")
    terminal = samples.shown(timing_table(report.groups[0])), "\n".join(text.plain for text in verdict_lines(report))
    for text in (*terminal, render_markdown(report), render_page(report, {})):
        assert new in text
        assert old in text


@pytest.mark.usefixtures("installed")
def test_one_version_is_named_where_another_is_installed_here():
    """`--python torch=...` may give all rows of a backend another version than the reader takes for granted."""
    labels = [samples.reported(of_version(version)).rows[0].label for version in ("2.5", "2.4")]
    assert labels == ["PyTorch eager", "PyTorch eager, torch 2.4"]


def test_a_row_that_never_told_its_version_has_a_plain_name():
    died = replace(of_version("2.4"), environment={}, status="died", rounds_s=(), agreement=None, run=None)
    assert samples.reported(died).rows[0].label == "PyTorch eager"
