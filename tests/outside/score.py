"""What was said of each fault, judged: one table of named, evidence, nothing and false.

    python tests/outside/score.py open.jsonl [more.jsonl ...] [--out docs/outside.md]

`judged.json` has, by fault, every claim that the doctor has made of it and a person's grade: `named` says the mistake,
`evidence` is true and leads to it, `empty` is true and does not, `false` is not so. Of two faults at once, `named 1`,
`named 2` and `named both` say which mistake it is. A claim without a grade is printed for a person to read, and the
score is not made before.
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

JUDGED = Path(__file__).with_name("judged.json")
GRADES = ("named", "named 1", "named 2", "named both", "evidence", "empty", "false")
ROUNDING = 31
_NUMBER = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|\d+e[+-]?\d+|\b\d+%")


def claim(finding):
    """A finding in words without the numbers that differ between machines."""
    trap = f"trap {finding['trap']}: {finding['detail']}" if finding["trap"] else finding["detail"]
    if trap.startswith("no known trap"):
        trap = f"{trap}: {finding['evidence']}"
    return f"{finding['tensor']}: {_NUMBER.sub('#', trap)}"


def claims(case):
    """What the first examination said, but for decisions that rounding has turned: how many differs by machine."""
    findings = case["findings"][0] if case["findings"] else []
    return [claim(finding) for finding in findings if finding["trap"] != ROUNDING]


def grade_of(case, judged):
    """The grade of a case: that of the first finding, or that there is something to go by; `false` if anything is."""
    grades = [judged[said] for said in claims(case)]
    if "false" in grades:
        return "false"
    if grades[:1] == ["named"]:
        return "named"
    return "evidence" if set(grades) & {"named", "evidence"} else "nothing"


def named_of_two(case, judged):
    """How many of two faults are named; None where a claim is false."""
    grades = {judged[said] for said in claims(case)}
    if "false" in grades:
        return None
    return 2 if "named both" in grades else len(grades & {"named 1", "named 2"})


def first_is_right(case):
    """Whether the first tensor that is said to differ is of the kind of the first that does, at whatever tap."""
    return kind(case["said_first"][0]) == kind(case["first_tensor"]) if case["said_first"] else False


def kind(tensor):
    """A tensor's name without its tap and without a place in it."""
    return re.sub(r"/(conv|relu|pool)\d.*|\[.*", "", tensor or "")


def table(cases, judged):
    """The cases by area as Markdown."""
    columns = ("named", "evidence", "nothing", "false")
    rows = {area: Counter() for area in dict.fromkeys(case["area"] for case in cases)}
    for case in cases:
        rows[case["area"]].update([grade_of(case, judged[case["name"]]), "n"] + ["first"] * first_is_right(case))
    rows["all"] = sum(rows.values(), Counter())
    lines = [
        "| area | n | named | useful evidence | nothing useful | false | first tensor right |",
        "|---|" + "---|" * 6,
    ]
    lines += [
        f"| {area} | {row['n']} | {' | '.join(str(row[it]) for it in columns)} | {row['first']} |"
        for area, row in rows.items()
    ]
    seconds = sorted(case["seconds"] for case in cases)
    return "\n".join(
        [*lines, "", f"Processor time: {seconds[len(seconds) // 2]:.0f} s in the median, {seconds[-1]:.0f} s at most."]
    )


def table_of_pairs(cases, judged):
    """How many pairs of faults are both named, one of them, and neither, as Markdown."""
    counts = Counter(named_of_two(case, judged[case["name"]]) for case in cases)
    numbers = " | ".join(str(counts[it]) for it in (2, 1, 0, None))
    return f"| pairs | both named | one named | neither | false |\n|---|---|---|---|---|\n| {len(cases)} | {numbers} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path, help="what runner.py wrote")
    parser.add_argument("--out", type=Path, help="write the table there, too")
    arguments = parser.parse_args()
    cases = [json.loads(line) for path in arguments.results for line in path.read_text().splitlines()]
    judged = json.loads(JUDGED.read_text()) if JUDGED.exists() else {}
    unknown = {
        case["name"]: [said for said in claims(case) if said not in judged.get(case["name"], {})] for case in cases
    }
    if any(unknown.values()):
        print(json.dumps({name: said for name, said in unknown.items() if said}, indent=1))
        sys.exit(f"give each of these claims one of {', '.join(GRADES)} in {JUDGED.name}")
    pairs = [case for case in cases if case["area"] == "pair"]
    singles = [case for case in cases if case["area"] != "pair"]
    tables = ([table(singles, judged)] if singles else []) + ([table_of_pairs(pairs, judged)] if pairs else [])
    text = "\n\n".join(tables)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
