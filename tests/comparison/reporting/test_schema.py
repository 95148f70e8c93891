"""The report's form: the samples keep it, and what departs from it is refused."""

import copy
import json

import pytest
import report_samples as samples
from jsonschema import Draft202012Validator
from report_samples import SCHEMA, VALIDATOR

SAMPLES = (
    samples.sample,
    samples.sample_that_disagrees,
    samples.sample_of_an_interruption,
    samples.hostile_sample,
)


def objects(schema):
    """Every schema of an object inside a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)


def test_the_schema_is_one_and_is_strict():
    Draft202012Validator.check_schema(SCHEMA)
    found = list(objects(SCHEMA))
    assert len(found) > 10
    for schema in found:
        assert "additionalProperties" in schema
        assert set(schema.get("required", ())) == set(schema.get("properties", ())), "all that is fixed is required"


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_are_valid(sample):
    report = json.loads(json.dumps(sample(), allow_nan=False))
    assert [error.message for error in VALIDATOR.iter_errors(report)] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda report: report.update(schema=1),
        lambda report: report.update(extra=0),
        lambda report: report.pop("commit"),
        lambda report: report["rows"][0].update(status="fine"),
        lambda report: report["rows"][0].update(name=None),
        lambda report: report["rows"][0].update(size_px=[170]),
        lambda report: report["rows"][0]["phases"].update(lunch_s=1.0),
        lambda report: report["rows"][0]["phases"].update(import_s="1 s"),
        lambda report: report["rows"][0]["evaluation"].pop("noisy"),
        lambda report: report["rows"][0]["environment"]["flags"].update(MKL=[True]),
        lambda report: report["ratios"][0].update(ratio=0),
    ],
)
def test_a_departure_is_refused(change):
    report = copy.deepcopy(samples.sample())
    change(report)
    assert not VALIDATOR.is_valid(report)
