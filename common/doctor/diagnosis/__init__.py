"""The judgement of every tensor, the search for causes, and the findings."""

from common.doctor.diagnosis.diagnose import diagnose
from common.doctor.diagnosis.findings import Diagnosis
from common.doctor.diagnosis.judge import Judge, difference, loss_unit, unit_of
from common.doctor.diagnosis.next_step import next_step
from common.doctor.diagnosis.report import finding_json, print_diagnosis, to_json, to_markdown
from common.doctor.diagnosis.rounding import ties_turned
from common.doctor.diagnosis.totals import term_factors, varied_cases
