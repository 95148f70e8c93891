"""`compare.py gallery`: every recipe on every backend, with the recipe's own optimiser, as one picture."""

import argparse
from itertools import zip_longest

from common.backend import BACKENDS
from common.comparison.plan import Plan, plan_from
from common.comparison.reporting import report_folder, save_grid
from common.comparison.workers import Worker
from common.images import save_image
from common.progress import progress_bar
from common.recipes import RECIPES, find_recipe


def gallery_command(options: argparse.Namespace) -> int:
    """Write gallery.png and each picture into the report's folder."""
    plans = _plans(options)
    folder = report_folder(options.report)
    any_plan = next(iter(plans.values())).run_problem()
    columns = [[("content", any_plan.content), ("style", any_plan.style)]]
    with progress_bar(sum(plan.recipe.steps for plan in plans.values()) * len(BACKENDS), "gallery", "eval") as bar:
        for recipe, plan in plans.items():
            columns.append([])
            for backend in BACKENDS:
                bar.set_description(f"{recipe} on {backend}")
                with Worker(backend) as worker:
                    job = plan.job(backend, plan.problem(), plan.init)
                    outcome = worker.ask("stylize", job, lambda kind, _: bar.update(kind == "step"))
                picture = outcome.arrays["image"]
                save_image(folder / f"{recipe}-{backend}.png", picture)
                columns[-1].append((f"{recipe}, {backend}", picture))
    save_grid(folder / "gallery.png", list(zip_longest(*columns)))
    print(f"gallery -> {folder / 'gallery.png'}")
    return 0


def _plans(options: argparse.Namespace) -> dict[str, Plan]:
    names = RECIPES if options.recipes is None else [name.strip() for name in options.recipes.split(",")]
    recipes = [find_recipe(name).name for name in names]
    return {name: plan_from(argparse.Namespace(**{**vars(options), "recipe": name})) for name in recipes}
