"""The numbers that the paper reports (arXiv 2511.06805), where a run measures the same thing.

They are of models of 7 to 19 billion parameters, 240,000 training rows and other problems: a run's numbers stand beside
them to compare what a step changes, not how high it gets. Accuracies are in %.
"""

from mathse.params import BASE, Params
from mathse.report.names import Names

LABEL = "paper: "
"""Begins what is the paper's among a run's own."""
MODELS = ("CogVLM2", "Qwen2-VL-7B", "InternVL2.5-8B")
TABLE_1 = {
    "base": (30.85, 40.60, 33.20),
    "distilled": (55.35, 48.80, 58.45),
    "self-evolving": (62.35, 55.15, 64.45),
    "reflection": (64.70, 57.00, 65.13),
}
"""Accuracy on MathVL-test, by stage and `MODELS`."""
TABLE_1_ROWS = {"base": 0, "distilled": 100_000, "self-evolving": 240_000, "reflection": 280_000}
TABLE_2_COLUMNS = ("MathVista GPS", "MathVista", "MathVerse", "MathVision")
TABLE_2 = {
    "MathSE-CogVLM2": (70.67, 53.90, 38.83, 19.67),
    "MathSE-Qwen": (69.71, 60.60, 45.36, 25.22),
    "MathSE-InternVL": (74.52, 61.60, 43.65, 22.70),
}
"""Accuracy of the final models on public benchmarks."""
TABLE_3 = {"no feedback": 62.35, "the teacher's": 64.25, "the ORM's": 64.70}
"""CogVLM2 on MathVL-test, by whose feedback a reflection had."""
TABLE_4 = {"all written by the teacher": 58.00, "self-evolving": 62.35}
"""CogVLM2 on MathVL-test, 240,000 rows each."""
TABLE_5 = {"verdict, step and analysis": (94.20, 100.00, 97.10), "verdict alone": (85.40, 99.90, 92.65)}
"""The ORM on 1,000 correct and 1,000 wrong paths: correct, wrong, all."""
FIRST_STEP = 81.0
"""How often the ORM finds the first wrong step, by the authors' page."""
FIGURE_2 = {"first step": (402, 705, 215, 678), "last step": (1018, 276, 229, 477)}
"""Of 2,000 problems: stayed correct, gained, lost, stayed wrong."""
LENGTHS = (325, 792)
"""Mean characters of a solution, at first and at last."""
EXPERIMENTS = {
    "table3": {
        ("none", "final"): TABLE_3["no feedback"],
        ("teacher", "final"): TABLE_3["the teacher's"],
        ("orm", "final"): TABLE_3["the ORM's"],
    },
    "table4": {
        ("self", "2"): TABLE_4["self-evolving"],
        ("rows-2", "0"): TABLE_4["all written by the teacher"],
    },
}
"""By experiment (`mathse ablate`), what the paper reports of a variant's model."""


def stages(settings: Params) -> dict[str, str]:
    """The models of a run that the paper's Table 1 has too, each with its stage there.

    Of each step it is the first model. The last round's stands beside `self-evolving`; that of a reflection beside
    `reflection`, if it comes last.
    """
    names = Names(settings)
    asks = [(name, step.ask) for name, step in settings.steps.items()]
    of_steps = {asks[0][0]: "distilled"}
    of_steps |= {step: "self-evolving" for step, ask in [pair for pair in asks if pair[1] == "rollout"][-1:]}
    of_steps |= {step: "reflection" for step, ask in asks[-1:] if ask == "reflect"}
    return {BASE: "base"} | {model: stage for step, stage in of_steps.items() for model in names.models_of(step)[:1]}
