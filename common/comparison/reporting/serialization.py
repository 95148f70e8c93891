"""A report as JSON, from JSON, and the JSON schema of it: pydantic's work on the dataclasses."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import DataclassSchema

from common.comparison.reporting.report import SCHEMA, Report
from common.errors import RosettaError, one_line

_ADAPTER = TypeAdapter(Report)


class _Strict(GenerateJsonSchema):
    """A schema that allows no key but those that are written, and repeats no name as a title."""

    def dataclass_schema(self, schema: DataclassSchema) -> dict[str, Any]:
        return {**super().dataclass_schema(schema), "additionalProperties": False}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def report_to_json(report: Report) -> str:
    """The whole report as JSON; null is what was not measured, or is not finite."""
    return _ADAPTER.dump_json(report, indent=1).decode("utf-8", "replace")


def read_report(path: Path) -> Report:
    """Read what `report_to_json` wrote; raise RosettaError for anything else."""
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise RosettaError(f"cannot read {str(path)!r} ({one_line(error)})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise RosettaError(f"{str(path)!r} is no report of schema {SCHEMA} ({where}: {first['msg']})") from None


def report_schema() -> str:
    """The JSON schema of a report, strict: every key is required, and no other is allowed."""
    schema = _ADAPTER.json_schema(mode="serialization", schema_generator=_Strict)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**head, **schema, "title": f"style-rosetta's report.json, schema {SCHEMA}"}, indent=1) + "\n"
