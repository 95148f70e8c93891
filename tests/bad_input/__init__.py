"""Bad input, judged from outside: in go files and command lines that cannot be used, out comes what the program did.

The cases and the mutations were written from the README, docs/, `--help` and the docstrings of the entry points,
without a look at the code that they judge. `python tests/bad_input/table.py` runs them all and writes the page
docs/bad-input.md.

- `case.py`: a case, as data; `cases/`: all of them, a file for each class.
- `stock.py`: the good files that the bad ones are made of; `judge.py`: runs a case and says what was not as expected.
- `mutations.py`, `readers.py`, `fuzzing.py`: mutated files and command lines, for the readers in one process.
- `running.py`, `table.py`, `page.py`: runs that go on where they ended, the command, and the page that it writes.
"""
