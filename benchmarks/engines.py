"""Do vLLM and transformers write the same? Greedy texts and accuracy of one model on the default test problems.

python benchmarks/engines.py                           # models/final, 300 problems, about a minute on two cores
python benchmarks/engines.py --model models/1 --problems 450
"""

import argparse
import tempfile
from itertools import islice
from pathlib import Path

from mathse import layout, params
from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.evaluate import Asking, predict
from mathse.loop.solve import of_split
from mathse.params import Inference, Vllm
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Prediction, Problem, Split, Status


def main() -> None:
    """Print how many texts agree, and both accuracies."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=Path, default=layout.model("final"))
    arguments.add_argument("--problems", type=int, default=300)
    asked = arguments.parse_args()
    settings = params.load()
    images = ImageStore(layout.IMAGES, settings.problems.max_pixels)
    problems = list(islice(of_split(store.scan(layout.PROBLEMS, Problem), Split.TEST), asked.problems))
    vllm = Vllm(eager=True, cpu_cache_gib=1, in_flight=64, max_model_len=1024)

    def predicted(inference: Inference) -> list[Prediction]:
        engine = LocalModel(asked.model, settings.compute, inference, settings.evaluate.batch_size).open(images)
        with tempfile.TemporaryDirectory() as folder:
            asking = Asking(settings.student, settings.evaluate)
            return list(predict(engine, problems, (), asking, Path(folder) / "journal.sqlite"))

    ours, theirs = predicted(Inference()), predicted(Inference(engine="vllm", vllm=vllm))
    same = sum(one.text == other.text for one, other in zip(ours, theirs, strict=True))
    print(f"texts: {same} of {len(problems)} equal ({100 * same / len(problems):.1f} %)")
    for name, predictions in (("transformers", ours), ("vllm", theirs)):
        correct = sum(prediction.status is Status.CORRECT for prediction in predictions)
        print(f"{name:12} {correct} correct, {100 * correct / len(problems):.1f} %")


if __name__ == "__main__":
    main()
