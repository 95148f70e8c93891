"""The report as JSON: its schema is what the code says, it is strict, and what is written is read again."""

import copy
import json
from pathlib import Path

import pytest
import report_samples as samples
from jsonschema import Draft202012Validator
from report_samples import SCHEMA, VALIDATOR

from common.comparison.reporting import report_schema, report_to_json

PUBLISHED = Path(__file__).parents[3] / "docs" / "report.schema.json"
SAMPLES = pytest.mark.parametrize("sample", samples.SAMPLES.values(), ids=list(samples.SAMPLES))


def objects(schema):
    """Every schema of an object inside a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)


def test_the_published_schema_is_what_the_code_says():
    assert PUBLISHED.read_text(encoding="utf-8") == report_schema(), (
        f"write the code's report_schema() into {PUBLISHED}"
    )


def test_the_schema_is_one_and_is_strict():
    Draft202012Validator.check_schema(SCHEMA)
    found = list(objects(SCHEMA))
    assert len(found) > 10
    for schema in found:
        assert "additionalProperties" in schema
        assert set(schema.get("required", ())) == set(schema.get("properties", ())), "all that is fixed is required"


@SAMPLES
def test_samples_are_valid(sample):
    report = json.loads(report_to_json(sample()))
    assert [error.message for error in VALIDATOR.iter_errors(report)] == []


@SAMPLES
def test_what_is_written_is_read_again(sample):
    assert samples.report_from(json.loads(report_to_json(sample()))) == sample()


def test_what_json_has_no_number_for_is_null_and_comes_back_as_nan():
    result = samples.measured(samples.row("torch eager"), 0.3)
    broken = samples.RowAgreement(samples.check(loss=float("nan")), result.agreement.float64)
    report = samples.reported(samples.replace(result, agreement=broken))
    text = report_to_json(report)
    values = json.loads(text, parse_constant=pytest.fail)
    check = values["groups"][0]["rows"][0]["agreement"]["oracle"]
    assert (check["loss"], check["agrees"], values["agrees"]) == (None, False, False)
    assert VALIDATOR.is_valid(values)
    assert samples.report_from(values).rows[0].disagrees


@pytest.mark.parametrize(
    "change",
    [
        lambda report: report.update(schema=1),
        lambda report: report.update(extra=0),
        lambda report: report.pop("commit"),
        lambda report: report["content"].update(sha256="short"),
        lambda report: report["groups"][0]["rows"][0].update(status="fine"),
        lambda report: report["groups"][0]["rows"][0].update(name=None),
        lambda report: report["groups"][0].update(size_px=[170]),
        lambda report: report["groups"][0]["rows"][0]["phases"].update(lunch_s=1.0),
        lambda report: report["groups"][0]["rows"][0]["phases"].update(import_s="1 s"),
        lambda report: report["groups"][0]["rows"][0]["evaluation"].pop("noisy"),
        lambda report: report["groups"][0]["rows"][0]["environment"]["flags"].update(MKL=[True]),
        lambda report: report["groups"][0]["ratios"][0].update(ratio=0),
    ],
)
def test_a_departure_is_refused(change):
    report = copy.deepcopy(samples.values_of(samples.sample()))
    change(report)
    assert not VALIDATOR.is_valid(report)
