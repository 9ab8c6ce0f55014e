"""What the steps and models of a run are called: by people, in which order, and under the names that they had before.

Names come from `steps`, `models` and `orms` of params.yaml. A project without one that can be read is taken to be the
default loop, and what params does not know keeps its own name.

    names = of(root)
    names.order(["final", "10", "0", "base"])   -> ["base", "0", "10", "final"]
    names.heading("1"), names.title("0")        -> "round 1", "+ distilled"
    names.view("paths@distill")                 -> "paths_0"
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mathse import params
from mathse.errors import UserError
from mathse.params import BASE, PARAMS, STUDENT, Params

EDITED = "_edited"
"""Ends the name of tables of people's corrections of a step's paths: `1_edited`."""
ORM = "orm"
"""The ORM's name where there is one of them."""
OF_STEPS = ("paths", "verdicts", "mix", "remaining", "predictions")
OF_ORMS = ("paths", "feedback", "held_out", "verdicts")
"""Kinds of tables by what they are named after."""
_NAME = r"[a-z0-9][a-z0-9_-]*"
_AT = re.compile(rf"(?P<kind>{'|'.join(OF_STEPS)}|eval|feedback|held_out)@(?P<of>{_NAME})")
_FORMER = re.compile(
    r"(?P<of>distill|reflect|round_\d+|student|orm)_(?P<kind>paths|verdicts|mix|feedback|held_out)"
    rf"|(?P<before>eval|mix|paths|verdicts|remaining|predictions)_(?P<model>{_NAME})"
)
_ROUND = re.compile(r"(?:round_)?(\d+)")


@dataclass(frozen=True)
class Names:
    """The names of a run.

    Attributes:
        settings: Its params; None if they cannot be read.
    """

    settings: Params | None

    @property
    def orms(self) -> list[str]:
        """The ORMs, in their order."""
        return list(self.settings.orms) if self.settings else [ORM]

    def order(self, names: Iterable[str]) -> list[str]:
        """Names in the order of the loop: base, student, ORMs, steps with their models; then unknown ones by number."""

        def place(name: str) -> tuple[int, int, int, str]:
            kind, number = (0, 0) if name == BASE else (1, int(name)) if name.isdecimal() else (2, 0)
            return self._place.get(name, len(self._place)), kind, number, name

        return sorted(names, key=place)

    @cached_property
    def _place(self) -> dict[str, int]:
        known = [BASE]
        if self.settings is not None:
            known += [STUDENT, *self.settings.orms]
            for step in self.settings.steps:
                known += [
                    step,
                    f"{step}{EDITED}",
                    *(model for model in self.models_of(step) if model not in self.settings.steps),
                ]
        return {name: place for place, name in enumerate(known)}

    def mix(self, model: str) -> str:
        """The mix that trains a model; where params do not say, the one of its name."""
        models = self.settings.models if self.settings else {}
        return models[model].mix if model in models else model

    def models_of(self, mix: str) -> list[str]:
        """The models that a mix trains."""
        if self.settings is None or mix == STUDENT or mix in self.settings.orms:
            return [mix]
        return [name for name, model in self.settings.models.items() if model.mix == mix]

    def heading(self, name: str) -> str:
        """What people call a step, or what an ORM and its student learn from: `round 1`, `distilled`, `ORM data`."""
        if name == STUDENT:
            return "lessons of the student"
        if name in self.orms:
            return "ORM data" if len(self.orms) == 1 else f"data of {name}"
        if name.endswith(EDITED):
            return f"{self.heading(name.removesuffix(EDITED))}, corrected"
        return self._heading(name) or name

    def title(self, model: str) -> str:
        """What people call a model: `base`, `+ distilled`, `+ round 1`, `+ round 1, preferences`."""
        heading = self._titles.get(model) or self._heading(model)
        return f"+ {heading}" if heading else model

    @cached_property
    def _titles(self) -> dict[str, str]:
        """By model, the heading of its mix's step; what two models of one mix would be called alike says more."""
        models = self.settings.models if self.settings else {}
        preferred = {name: ", preferences" for name, model in models.items() if model.by == "prefer"}
        others = {name: f" ({name})" for name, model in models.items() if name != model.mix}
        return _told_apart({name: self._headings[model.mix] for name, model in models.items()}, preferred, others)

    def asks(self, step: str) -> str | None:
        """How a step asks for paths: `distill`, `rollout` or `reflect`; None if it is no step."""
        if self.settings is None:
            return {"0": "distill", "final": "reflect"}.get(step, "rollout" if step.isdecimal() else None)
        return self.settings.steps[step].ask if step in self.settings.steps else None

    def _heading(self, step: str) -> str | None:
        return self._headings.get(step) if self.settings else self._named(step, step)

    @cached_property
    def _headings(self) -> dict[str, str]:
        """By step; what two steps would be called alike says more: `reflection after round 1`."""
        if self.settings is None:
            return {}
        rounds = {step: self.settings.round_of(step) for step in self.settings.steps}
        headings = {step: self._named(step, str(number)) or step for step, number in rounds.items()}
        after = {
            step: f" after round {rounds[step]}" for step in rounds if rounds[step] and self.asks(step) != "rollout"
        }
        return _told_apart(headings, after, {step: f" ({step})" for step in rounds})

    def _named(self, step: str, number: str) -> str | None:
        names = {"distill": "distilled", "rollout": f"round {number}", "reflect": "reflection", None: None}
        return names[self.asks(step)]

    def step(self, name: str) -> str:
        """The step, model or ORM that a name stands for.

        Before steps had names of their own, they were `distill`, `round_1` or `1`, ..., `reflect`, and the models
        trained on their mixes `0`, `1`, ..., `final`: the first step that distills, the rollouts by their round, and
        the last reflection.
        """
        steps = self.settings.steps if self.settings else {}
        if name in steps or name in self._place:
            return name
        if name == ORM:
            return self.orms[0]
        asks = {"distill": "distill", "0": "distill", "reflect": "reflect", "final": "reflect"}
        if name in asks and not self.settings:
            return "0" if asks[name] == "distill" else "final"
        if name in asks:
            asking = [step for step, row in steps.items() if row.ask == asks[name]]
            return (asking[-1] if asks[name] == "reflect" else asking[0]) if asking else name
        if match := _ROUND.fullmatch(name):
            rollouts = [step for step, row in steps.items() if row.ask == "rollout"]
            of_round = (step for step in rollouts if self.settings and self.settings.round_of(step) == int(match[1]))
            return next(of_round, match[1])
        return name

    def view(self, name: str) -> str:
        """The view (`mathse query`) that a dataset's name stands for, in any form it has or had.

        Sample: `paths@1`, `round_1_paths` and `paths_1` are `paths_1`; `mix@orm` and `orm_mix` are `mix_orm`; `eval_0`
        is `predictions_0`. Of what is no such name, the name itself.
        """
        if name in ("feedback", "held_out"):
            return self._view(name, ORM)
        if match := _AT.fullmatch(name):
            return self._view(match["kind"], match["of"])
        if match := _FORMER.fullmatch(name):
            return self._view(match["kind"] or match["before"], match["of"] or match["model"])
        return name

    def _view(self, kind: str, of: str) -> str:
        of = self.step(of)
        if kind in OF_ORMS and (of in self.orms or kind not in OF_STEPS):
            return f"{of}_{kind}"
        return f"{'predictions' if kind == 'eval' else kind}_{of}"

    def before(self, step: str) -> tuple[str, str]:
        """What a step's folder and its model were called before: `rounds/1` and `1`; others keep their names."""
        if self.settings is not None and step not in self.settings.steps:
            return step, step
        number = step if self.settings is None else str(self.settings.round_of(step))
        former = {"distill": ("distill", "0"), "rollout": (f"rounds/{number}", number), "reflect": ("reflect", "final")}
        return former.get(self.asks(step) or "", (step, step))

    def former(self, views: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Names that views had before, each with the view; those that are a view's name now are left out."""
        there = set(views)
        rounds = len(self.settings.steps) if self.settings else len(there)
        steps = ["distill", "reflect", *(f"round_{number}" for number in range(1, rounds + 1))]
        old = [f"{step}_{kind}" for step in steps for kind in ("paths", "verdicts")]
        old += [f"{ORM}_{kind}" for kind in (*OF_ORMS, "mix")] + [f"{STUDENT}_{kind}" for kind in ("paths", "mix")]
        models = {name.removeprefix("predictions_") for name in there if name.startswith("predictions_")}
        old += [f"eval_{model}" for model in sorted(models)]
        numbered = [str(number) for number in range(rounds + 1)]
        old += [f"{kind}_{model}" for kind in ("eval", "mix") for model in (*numbered, "final")]
        for name in dict.fromkeys(old):
            if name not in there and (view := self.view(name)) in there:
                yield name, view


def _told_apart(titles: Mapping[str, str], *additions: Mapping[str, str]) -> dict[str, str]:
    """Titles by name; those that several names have get their name's additions, one after the other."""
    told = dict(titles)
    for addition in additions:
        often = Counter(told.values())
        told = {name: title + addition.get(name, "") if often[title] > 1 else title for name, title in told.items()}
    return told


def of(root: Path) -> Names:
    """The names of the project at `root`."""
    try:
        return Names(params.load(root / PARAMS, template=True))
    except UserError:
        return Names(None)
