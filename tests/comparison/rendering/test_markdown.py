"""report.md: what it says, and that no name in it is taken for markup."""

import re

import pytest
import report_samples as samples

from common.comparison.rendering.formatting import (
    environment,
    fenced,
    giga,
    interval,
    markdown,
    seconds,
    size_of,
)
from common.comparison.rendering.page import render_markdown


def cells(line):
    return re.split(r"(?<!\\)\|", line)


@pytest.mark.parametrize(
    "sample",
    [
        samples.sample,
        samples.sample_that_disagrees,
        samples.sample_of_an_interruption,
        samples.hostile_sample,
    ],
)
def test_every_table_is_rectangular(sample):
    blocks = re.findall(r"(?:^\|.*\n)+", render_markdown(sample()), flags=re.MULTILINE)
    assert len(blocks) >= 3
    for block in blocks:
        assert len({len(cells(line)) for line in block.splitlines()}) == 1


def test_the_verdicts_and_the_ranking_are_there():
    text = render_markdown(samples.sample())
    agree = "4 of 5 rows agree with the float64 oracle within tolerance"
    assert f"{agree}; not checked: Keras/TensorFlow xla (float32, 170x256 px)." in text
    assert "Keras/TensorFlow graph against PyTorch eager (float32, 170x256 px): **1.36x slower (1.31 to 1.41)**" in text
    assert re.search(r"^\| PyTorch compiled \| .* \| fastest \|", text, flags=re.MULTILINE)
    assert "unavailable: XLA does not compile for this CPU" in text
    assert "bfloat16, 170x256 px (not ranked with float32)" in text
    assert text.endswith(f"```\n{samples.sample().command}\n```")


def test_a_row_that_disagrees_is_struck_out_and_last():
    text = render_markdown(samples.sample_that_disagrees())
    timing = text.split("## Timing")[1].split("bfloat16")[0]
    assert timing.rstrip().splitlines()[-1].startswith("| ~~PyTorch fast and wrong~~ (disagrees: not ranked) |")
    assert "**Something DISAGREES: PyTorch fast and wrong (float32, 170x256 px).**" in text
    assert "**DISAGREES**" in text


def test_an_interruption_is_said():
    text = render_markdown(samples.sample_of_an_interruption())
    assert "**Incomplete:**" in text
    assert "No row has been checked against the oracle." in text
    assert "died: killed by signal 9" in text


def test_hostile_names_stay_text():
    prose = render_markdown(samples.hostile_sample()).split("\n```\n")[0]
    assert set(re.findall(r"<[^>]*>", prose)) == {"<details>", "</details>", "<summary>", "</summary>"}
    assert not re.search(r"(?<!\\)`", prose)
    assert "@octocat" not in prose


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a|b", r"a\|b"), ("a\n\n# b", "a # b"), ("<b> &amp;", "&lt;b&gt; &amp;amp;"), ("x_1 `c`", r"x\_1 \`c\`")],
)
def test_markup_is_escaped(text, shown):
    assert markdown(text) == shown


def test_code_cannot_leave_its_fence():
    assert fenced("```\nx") == "````\n```\nx\n````"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (environment().filters["seconds"](None), "–"),  # noqa: RUF001
        (seconds(0), "0 s"),
        (seconds(12.345), "12.3 s"),
        (seconds(0.28412), "284 ms"),
        (seconds(2.5e-5), "25.0 µs"),
        (seconds(1.5, like=0.284), "1500.0 ms"),
        (interval((0.279, 0.291), 0.284), "279.0 to 291.0 ms"),
        (size_of(1_100_000_000), "1049 MiB"),
        (size_of(80e9), "74.5 GiB"),
        (giga(2.853e11), "285"),
    ],
)
def test_numbers_in_words(shown, words):
    assert shown == words


def test_what_the_port_doctor_found_is_there():
    text = render_markdown(samples.sample_with_findings())
    assert "What the port doctor finds in torch:" in text
    assert "1. Trap 20, a term has another factor (2 times the tv terms). First seen in loss/tv; with it" in text
    assert "1. adam/1/pixels: no known trap explains the difference; the best factor is 0.9" in text
    assert "port doctor" not in render_markdown(samples.sample())
