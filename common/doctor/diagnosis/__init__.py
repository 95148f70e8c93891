"""The judgement of every tensor, the search for causes, and the findings."""

from common.doctor.diagnosis.diagnose import Diagnosis, diagnose
from common.doctor.diagnosis.differences import difference, loss_unit, unit_of
from common.doctor.diagnosis.findings import Finding, finding_json, finding_lines, healthy
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.near_ties import deciding
from common.doctor.diagnosis.report import print_diagnosis, to_json, to_markdown
from common.doctor.diagnosis.rounding import ties_turned
