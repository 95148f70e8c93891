"""`python tests/benchmarks/evaluation.py`: an evaluation by mode, precision and size, against the machine's limit.

The limit is one for all rows of a precision: the fastest large matrix product that any of the frameworks makes, times
the evaluation's multiplications. Rows are judged by the oracle and measured in turns, as in `compare.py`.
"""

from collections.abc import Iterator

from tables import parser, write

from common.cli.main import parse
from common.cli.requests import measured_request_from
from common.comparison.measurement import paired_ratio
from common.comparison.reporting import Group, report_of
from common.comparison.session import Session


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--modes", default="all", metavar="M,...", help="default: %(default)s")
    options.add_argument("--precisions", default="float32", metavar="P,...", help="default: %(default)s")
    given = options.parse_args()
    sizes = ",".join(f"{size}x{size}" for size in given.sizes)
    words = ["--modes", given.modes, "--precisions", given.precisions, "--sizes", sizes, "--steps", "1"]
    session = Session(measured_request_from(parse([*words, "--rounds", str(given.rounds)])))
    session.run()
    report, _ = report_of(session, complete=True)
    rows = [row for group in report.groups for row in rows_of(group)]
    write(given.output, "evaluation", rows, rows)


def rows_of(group: Group) -> Iterator[dict[str, str]]:
    """What is known of the rows of a group, the fastest first."""
    timed = [row for row in group.ranking if row.evaluation is not None]
    for row in timed:
        ratio = paired_ratio(row.label, row.evaluation.rounds_s, timed[0].label, timed[0].evaluation.rounds_s)
        yield {
            "size": "x".join(map(str, group.size_px)),
            "precision": group.precision,
            "row": row.label,
            "s an evaluation": f"{row.evaluation.median_s:.3f}",
            "against the fastest": "1" if row is timed[0] or ratio is None else ratio.verdict,
            "of the limit": "" if row.limit is None else f"{row.limit.fraction:.0%}",
            "agrees": "yes" if row.ranked else row.state,
        }


if __name__ == "__main__":
    main()
