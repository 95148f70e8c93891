"""A backend in a package of its own, as far as one is needed: it computes by the oracle."""

ENTRY = """
from common.entry import Entry

ENTRY = Entry("fake", "NumPy", "fake_impl", "lbfgs", ("plain", "fast"), fused=("fast",), distributions=("numpy",))
"""

OBJECTIVE = """
from common import objective, oracle

features = oracle.features


class Objective(objective.Objective):
    def __init__(self, problem):
        self.problem = problem

    def loss_terms(self, pixels):
        return oracle.losses(self.problem.image(pixels), self.problem)

    def unused(self, *_):
        raise NotImplementedError

    variable = to_numpy = to_floats = forward_terms = terms_and_gradient = recorded = adam = wait = unused
"""
PACKAGE = {"__init__.py": "", "entry.py": ENTRY, "objective.py": OBJECTIVE}


def write_package(folder, name, files, points, distribution=None):
    """A package with its installed metadata, as pip leaves them in a folder."""
    (package := folder / name).mkdir()
    for file, text in files.items():
        (package / file).write_text(text)
    distribution = distribution or name
    (information := folder / f"{distribution.replace('-', '_')}-1.0.dist-info").mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = "\n".join(f"{point} = {value}" for point, value in points.items())
    (information / "entry_points.txt").write_text(f"[style_rosetta.backends]\n{lines}\n")
