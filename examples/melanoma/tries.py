#!/usr/bin/env python3
"""Trains the recipes of recipes.py one after another, and writes what they gave into TRIES.md.

    .venv/bin/python examples/melanoma/tries.py --work DIR            trains; stopped anywhere, the same command goes on
    .venv/bin/python examples/melanoma/tries.py --work DIR --estimate asks the compiler what each shape would cost
    .venv/bin/python examples/melanoma/tries.py --work DIR --table    writes the table of TRIES.md and trained-sizes.json from the logs

recipes.py is read again before each run, so that recipes can be added or moved while one trains. One driver at a time works
in DIR. The estimates are those of `cipherloom inspect` (first weights, native, one image an execution; `npm run build` first), so
that accuracy and cost stand side by side in the table.
"""

import argparse
import fcntl
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import recipes
from export import export
from networks import build, cost
from views import SIZE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BEGIN, END = "<!-- table: written by tries.py -->", "<!-- end of table -->"


def next_recipe(work: Path) -> str | None:
    importlib.reload(recipes)
    wanted = (name for name, recipe in recipes.RECIPES.items() if not recipe.get("stopped"))
    return next((name for name in wanted if not (work / name / "final.pt").exists()), None)


def run_all(work: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    while (name := next_recipe(work)) is not None:
        recipe = recipes.RECIPES[name]
        steps = [["train.py", "--recipe", name]]
        for teacher in recipes.teachers(recipe):
            if (work / teacher / "soft.npy").exists():
                continue
            if teacher in recipes.RECIPES:
                steps.insert(0, ["self_labels.py", "--recipe", teacher])
            else:
                features, ridge = teacher.split("-")
                steps.insert(0, ["kernel_machine.py", "--features", features, "--ridge", ridge])
        if "views" in recipe:
            steps.insert(0, ["views.py", "--views", str(recipe["views"]), "--size", str(recipe.get("size", SIZE))])
        for script, *arguments in steps:
            print(f"--- {script} {' '.join(arguments)}", flush=True)
            code = subprocess.run([sys.executable, HERE / script, "--work", work, *arguments], env=environment).returncode
            if code != 0:
                raise SystemExit(f"{script} stopped with exit status {code}; the same command goes on from there")
    print("every recipe is trained")


def last_line(folder: Path) -> dict | None:
    log = folder / "log.jsonl"
    if not log.exists():
        return None
    return json.loads(log.read_text().splitlines()[-1])


def estimate_file(work: Path, recipe: dict) -> Path:
    """One for each shape: weights hardly change what a network costs."""
    shape = f"{recipe['layers'].replace(' ', '-')}-rings{recipe.get('rings', 0)}"
    return work / "estimates" / (f"{shape}-{recipe['size']}.json" if "size" in recipe else f"{shape}.json")


def ask_estimates(work: Path) -> None:
    """Keeps the `estimate` of `cipherloom inspect` for each shape that has been tried."""
    for name, recipe in recipes.RECIPES.items():
        kept = estimate_file(work, recipe)
        if kept.exists() or last_line(work / name) is None:
            continue
        kept.parent.mkdir(exist_ok=True)
        model = kept.with_suffix(".onnx")
        export(build(recipe).eval(), name, model)
        command = ["node", ROOT / "bin" / "cipherloom", "inspect", model, "--target", "native", "--json", "--quiet"]
        inspection = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        kept.write_text(json.dumps(inspection["estimate"]))


def with_interval(figure: float, interval: list[float] | None) -> str:
    return f"{figure:.3f}" + (f" ({interval[0]:.3f}–{interval[1]:.3f})" if interval else "")


def table_row(work: Path, name: str, recipe: dict) -> list[str] | None:
    line = last_line(work / name)
    if line is None:
        return None
    multiply_adds, activations, parameters = cost(build(recipe), recipe.get("size", SIZE))
    done = f"{line['epoch']}" if line["epoch"] == recipe["epochs"] else f"{line['epoch']} of {recipe['epochs']}"
    cells = [name, recipe["note"], f"{multiply_adds / 1e6:.1f} M", f"{activations:,}", f"{parameters:,}"]
    kept = estimate_file(work, recipe)
    if kept.exists():
        estimate = json.loads(kept.read_text())
        operations = estimate["operations"]
        cells += [str(estimate["levels"]), str(operations["rotations"]), f"{operations['plainMultiplications']:,}"]
    else:
        cells += ["–"] * 3
    cells.append(done)
    for against in ("nevus", "all"):
        part = line[against]
        cells.append(with_interval(part["auc"], part.get("auc_interval")))
        cells.append(with_interval(part["ba"], part.get("ba_interval")))
    return [*cells, f"{max(line['ranges']):.1f}" if line["ranges"] else "–", f"{line['core_hours']:.2f}"]


def shared_hours(work: Path) -> float:
    """What several recipes learn from: views and kernel machines."""
    return sum(json.loads(file.read_text()) for file in work.glob("*/seconds.json")) / 3600


def write_table(work: Path) -> None:
    rows = [row for name, recipe in recipes.RECIPES.items() if (row := table_row(work, name, recipe))]
    hours = shared_hours(work) + sum(float(row[-1]) for row in rows)
    head = [
        "try", "what it is", "multiply-adds", "activations", "parameters", "levels", "rotations", "products", "epochs",
        "nevus AUC", "nevus BA", "all AUC", "all BA", "range", "core-h",
    ]  # fmt: skip
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])
    summary = f"Together {hours:.2f} core-hours, {shared_hours(work):.2f} of them for views and kernel machines."
    file = HERE / "TRIES.md"
    text = file.read_text()
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    file.write_text("\n\n".join([before, table, summary, after]))
    subprocess.run(["npx", "prettier", "--write", "--log-level", "warn", file], cwd=ROOT, check=True)


def write_sizes(work: Path) -> None:
    """What the networks for other sizes of image gave, for melanoma:results."""
    found = {}
    for name, recipe in recipes.RECIPES.items():
        if "size" not in recipe or not (work / name / "final.pt").exists():
            continue
        line = last_line(work / name)
        found[recipe["size"]] = {
            "recipe": name,
            "epochs": recipe["epochs"],
            "coreHours": line["core_hours"],
            "nevus": line["nevus"],
            "all": line["all"],
        }
    (HERE / "trained-sizes.json").write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the recipes of recipes.py one after another.")
    parser.add_argument("--work", type=Path, required=True, help="folder of the arrays and of the runs")
    parser.add_argument("--table", action="store_true", help="write the table of TRIES.md and stop")
    parser.add_argument("--estimate", action="store_true", help="ask the compiler for the cost of each shape and stop")
    options = parser.parse_args()
    if options.estimate:
        ask_estimates(options.work)
        return
    if options.table:
        write_table(options.work)
        write_sizes(options.work)
        return
    with open(options.work / "driver.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another driver works in {options.work}") from None
        run_all(options.work)


if __name__ == "__main__":
    main()
