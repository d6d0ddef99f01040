#!/usr/bin/env python3
"""Trains the recipes of recipes.py one after another, and writes what they gave into TRIES.md.

    .venv/bin/python examples/melanoma/tries.py --work DIR            trains; stopped anywhere, the same command goes on
    .venv/bin/python examples/melanoma/tries.py --work DIR --table    writes the table of TRIES.md from the logs

recipes.py is read again before each run, so that recipes can be added or moved while one trains. One driver at a time works
in DIR.
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
from networks import build, cost

HERE = Path(__file__).resolve().parent
SIZE = 128
BEGIN, END = "<!-- table: written by tries.py -->", "<!-- end of table -->"


def next_recipe(work: Path) -> str | None:
    importlib.reload(recipes)
    return next((name for name in recipes.RECIPES if not (work / name / "final.pt").exists()), None)


def run_all(work: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    while (name := next_recipe(work)) is not None:
        steps = [["train.py", "--recipe", name]]
        if "pool" in recipes.RECIPES[name]:
            steps.insert(0, ["views.py", "--pool", recipes.RECIPES[name]["pool"]])
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


def percent(figure: float, interval: list[float] | None) -> str:
    return f"{figure:.3f}" + (f" ({interval[0]:.3f}–{interval[1]:.3f})" if interval else "")


def table_row(work: Path, name: str, recipe: dict) -> str | None:
    line = last_line(work / name)
    if line is None:
        return None
    multiply_adds, activations, parameters = cost(build(recipe), SIZE)
    done = f"{line['epoch']}" if line["epoch"] == recipe["epochs"] else f"{line['epoch']} of {recipe['epochs']}"
    cells = [name, recipe.get("note", ""), f"{multiply_adds / 1e6:.1f} M", f"{activations:,}", f"{parameters:,}", done]
    for against in ("nevus", "all"):
        part = line[against]
        cells += [percent(part["auc"], part.get("auc_interval")), percent(part["ba"], part.get("ba_interval"))]
    cells += [f"{max(line['ranges'], default=0):.1f}" if line["ranges"] else "–", f"{line['core_hours']:.2f}"]
    return f"| {' | '.join(cells)} |"


def write_table(work: Path) -> None:
    rows = [table_row(work, name, recipe) for name, recipe in recipes.RECIPES.items()]
    hours = sum(line["core_hours"] for name in recipes.RECIPES if (line := last_line(work / name)))
    head = [
        "try", "what it is", "multiply-adds", "activations", "parameters", "epochs",
        "nevus AUC", "nevus BA", "all AUC", "all BA", "range", "core-h",
    ]  # fmt: skip
    table = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *(row for row in rows if row)]
    file = HERE / "TRIES.md"
    text = file.read_text()
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    summary = f"Together {hours:.1f} core-hours."
    file.write_text("\n\n".join([before, "\n".join(table), summary, after]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the recipes of recipes.py one after another.")
    parser.add_argument("--work", type=Path, required=True, help="folder of the arrays and of the runs")
    parser.add_argument("--table", action="store_true", help="write the table of TRIES.md and stop")
    options = parser.parse_args()
    if options.table:
        write_table(options.work)
        return
    with open(options.work / "driver.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another driver works in {options.work}") from None
        run_all(options.work)


if __name__ == "__main__":
    main()
