"""`make false-alarms`: how often the doctor calls a healthy run ill, and how often it misses a broken one.

Healthy is what is built right: the aligned mask is passed to the layers, the loss returns one value per step, every
layer hands the mask on, labels are learnable, and rate and epochs are enough for the optimiser. Broken is a healthy one
with one fault put in. No rule has a say in either. Writes docs/false_alarms.md.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lessons.doctor.run import diagnose
from lessons.families.decoder import Decoder
from lessons.families.encoder import Encoder
from lessons.families.own_layer import OwnLayer
from lessons.families.recurrent import Recurrent
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.run import Run
from lessons.workers.worker import QUIET

PAGE = Path(__file__).parent.parent.parent / "docs" / "false_alarms.md"
HEALTHY, BROKEN = 500, 100
SEED = 5
LEARNED = 0.5  # of the best constant's error: told for orientation, it decides nothing
SHARED = 8  # settings to a structure: they share a traced graph

# A structure is one choice of each row; so are the arguments below, drawn anew for each of its settings.
TASKS = (
    *({"loss": loss} for loss in ("mse", "mae", "huber", "log_cosh")),
    *({"loss": "root_error", "epsilon": epsilon} for epsilon in (1e-7, 1e-4, 1e-2)),
    {"loss": "nan_labels.where_inside", "nan_share": 0.2},
    *({"task": "binary", "loss": loss} for loss in ("bce_from_logits", "mse")),
    *(
        {"task": "binary", "loss": loss, "activation": "sigmoid", "epsilon": 1e-4}
        for loss in ("bce_added", "bce_clipped", "mae", "mse")
    ),
)
STRUCTURE = {
    "cell": ("lstm", "gru", "simple_rnn"),
    "units": (4, 8, 16, 32),
    "between": ("none", "dense", "time_distributed", "layer_normalization", "attention"),
    "output": ("every_step", "every_step", "last_step"),
    "sequences": (16, 32, 64),
    "timesteps": (4, 8, 12, 16, 24),
    "optimizer": ("adam", "adam", "rmsprop", "sgd"),
    "clipping": ("none", "none", "clipvalue", "global_clipnorm"),
    "reduction": ("sum_over_batch_size", "mean_with_sample_weight"),
    "batch_size": (0, 0, 8),
}
ARGUMENTS = {
    "padding": ("post", "pre"),
    "padding_share": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
    "padded_inputs": ("zero", "minus_one", "random"),
    "padded_labels": ("zero", "random", "garbage"),
    "validation_mask": ("same", "aligned"),
    "validation_labels": ("same", "zero", "random", "garbage"),
}
SLOW = {"optimizer": "adam", "clipping": "none"}  # what attention needs to learn at all in so few epochs
RATES = {"adam": (0.01, 0.02, 0.03), "rmsprop": (0.005, 0.01), "sgd": (0.2, 0.3)}
EPOCHS = {"adam": (40, 60, 100), "rmsprop": (60, 100), "sgd": (300, 400), "attention": (150,)}
# −inf on all keys of a query is NaN in the gradient, weights set to 0 or not: there queries have keys.
WITH_KEYS = {"attention_mask": "keys"}
# The other families: what they have instead of TASKS and STRUCTURE, and of ARGUMENTS. All train with Adam.
PADDED = {name: ARGUMENTS[name] for name in ("padding", "padded_inputs", "padded_labels")}
FEW = {"padding_share": (0.0, 0.2, 0.4, 0.6), "learning_rate": (0.01, 0.02)}
OTHERS: dict[type[Settings], tuple[dict, dict]] = {
    Encoder: (
        {
            "loss": ("mse", "mae", "huber", "log_cosh"),
            "attention_mask": ("aligned", "keys"),
            "pooling": ("none", "none", "average", "max"),
            "masked_score": ("layer", "returned", "zeroed"),  # zeroed: with keys alone
            "heads": (1, 2),
            "units": (8, 16),
            "sequences": (16, 32, 64),
            "timesteps": (8, 12, 16),
            "batch_size": (0, 0, 8),
        },
        PADDED | FEW | {"epochs": (100, 150)},
    ),
    Decoder: (
        {
            "masked_score": ("layer", "1e9"),
            "counted": ("all", "answer"),
            "units": (16, 32),
            "sequences": (32, 64),
            "timesteps": (8, 12, 16),
            "batch_size": (0, 0, 8),
        },
        FEW | {"padding": ("post", "pre"), "padded_labels": ("zero", "random"), "pad_token": ("own", "end")}
        | {"epochs": (60, 100)},
    ),
    OwnLayer: (
        {
            "loss": ("mse", "mae", "huber", "log_cosh"),
            "layer": ("both", "computes"),
            "units": (8, 16),
            "sequences": (16, 32, 64),
            "timesteps": (8, 12, 16),
            "batch_size": (0, 0, 8),
        },
        PADDED | FEW | {"epochs": (60, 100)},
    ),
}  # fmt: skip
SHARES = {Recurrent: 0.55} | dict.fromkeys(OTHERS, 0.15)  # of the structures


def healthy(count: int, seed: int = SEED, *families: type[Settings]) -> list[Settings]:
    """Settings that are healthy by construction, those of one structure side by side; of all families or of these."""
    rng = np.random.default_rng(seed)
    offered = list(families or SHARES)
    shares = np.array([SHARES[family] for family in offered])
    drawn = []
    while len(drawn) < count:
        family = offered[rng.choice(len(offered), p=shares / shares.sum())]
        if family in OTHERS:
            fixed, free = OTHERS[family]
            structure = drawn_from(rng, fixed)
            if structure.get("masked_score") == "zeroed":
                structure |= WITH_KEYS
            drawn += [
                family(**structure, **drawn_from(rng, free), seed=int(rng.integers(10_000)))
                for _ in range(min(SHARED, count - len(drawn)))
            ]
            continue
        structure = drawn_from(rng, STRUCTURE) | TASKS[rng.integers(len(TASKS))]
        if structure["between"] == "attention":
            structure |= SLOW
        drawn += [with_arguments(rng, structure) for _ in range(min(SHARED, count - len(drawn)))]
    return drawn


def drawn_from(rng: np.random.Generator, table: dict) -> dict:
    return {name: values[rng.integers(len(values))] for name, values in table.items()}


def with_arguments(rng: np.random.Generator, structure: dict) -> Settings:
    of_optimizer = {"learning_rate": RATES[structure["optimizer"]], "epochs": EPOCHS[structure["optimizer"]]}
    if structure["between"] == "attention":
        of_optimizer |= {"epochs": EPOCHS["attention"]}
    given = structure | drawn_from(rng, ARGUMENTS | of_optimizer) | {"seed": int(rng.integers(10_000))}
    if given["padded_inputs"] == "zero" and rng.random() < 0.3:
        given["mask"] = "inputs"  # then Masking(0) computes the aligned one
    return Recurrent(**given)


# A fault: its name, what it changes, and where it is one.
ON_STEPS = {"output": "every_step", "between": "none", "padding_share": 0.4}
FAULTS: dict[str, dict] = {
    "mask inverted": {"mask": "inverted", "padding_share": 0.4},
    "mask a step too long": {"mask": "shifted", "mask_shift": 1, "padding_share": 0.4},
    "mask two steps too short": {"mask": "shifted", "mask_shift": -2, "padding_share": 0.4},
    "mask for the other side": {"mask": "wrong_side", "padding_share": 0.4},
    "no mask": ON_STEPS | {"mask": "none", "padded_labels": "random"},
    "no mask, one label": {"output": "last_step", "mask": "none", "padding": "post", "padding_share": 0.4},
    "loss is one number": ON_STEPS | {"loss": "scalar_mse"},
    "layer drops the mask": ON_STEPS | {"between": "times_one"},
    "Conv1D drops the mask": ON_STEPS | {"between": "conv1d"},
    "mask multiplied into the input": ON_STEPS | {"mask_route": "multiplied"},
    "mask as a weight": ON_STEPS | {"sample_weight": "instead", "loss": "mse", "nan_share": 0},
    "mask from labels that are 0": ON_STEPS
    | {"task": "binary", "loss": "mse", "mask": "labels", "padded_labels": "zero"},
    "loss drops labels that are 0": ON_STEPS
    | {"task": "binary", "loss": "label_masked_mse", "mask": "none", "padded_labels": "zero"},
    "loss silent about label 0": {
        "task": "binary",
        "activation": "sigmoid",
        "loss": "not_learning.half_cross_entropy",
        "nan_share": 0,
    },
    "NaN labels": {"output": "every_step", "loss": "mse", "nan_share": 0.2, "nan_fill": "keep"},
    "NaN labels filled and counted": {"output": "every_step", "loss": "mse", "nan_share": 0.2, "nan_fill": "mean"},
    "NaN in padded labels": ON_STEPS | {"loss": "mse", "padded_labels": "nan"},
    "NaN in padded inputs": {"padded_inputs": "nan", "padding_share": 0.4, "mask": "aligned"},
    "validation without a mask": {"validation_mask": "none", "padding_share": 0.4},
    "labels are noise": ON_STEPS
    | {"task": "noise", "loss": "mse", "activation": "linear", "units": 8, "epochs": 40}
    | {"optimizer": "adam", "learning_rate": 0.003},
    "rate too small": {"optimizer": "sgd", "learning_rate": 1e-5, "loss": "mse", "activation": "linear", "epochs": 60},
    "rate too large": {
        "optimizer": "sgd",
        "learning_rate": 10,
        "loss": "mse",
        "activation": "linear",
        "task": "regression",
        "clipping": "none",
    },
}
# Of other families: the family, and what is changed.
OTHER_FAULTS: dict[str, tuple[type[Settings], dict]] = {
    "attention mask inverted": (Encoder, {"attention_mask": "inverted", "padding_share": 0.4}),
    "no attention mask": (Encoder, {"attention_mask": "none", "padding_share": 0.4}),
    "padding pooled": (Encoder, {"pooling": "max_all", "padding_share": 0.4, "padded_inputs": "random"}),
    "a row of −inf": (Encoder, {"masked_score": "inf", "attention_mask": "aligned", "padding_share": 0.4}),
    "no causal mask": (Decoder, {"causal_mask": "none", "padding_share": 0.4}),
    "labels not shifted": (Decoder, {"shift": "same", "padding_share": 0.4}),
    "padding is the end": (
        Decoder,
        {"pad_token": "end", "mask": "labels", "padded_labels": "zero", "padding_share": 0.4},
    ),
    "own layer drops the mask": (OwnLayer, {"layer": "plain", "padding_share": 0.4}),
    "own layer does not use it": (OwnLayer, {"layer": "supports", "padding_share": 0.4, "padded_inputs": "random"}),
}


def broken(count: int, seed: int = SEED) -> list[tuple[str, Settings]]:
    """(fault, settings): every fault in turn, each in another healthy set-up."""
    names = [*FAULTS, *OTHER_FAULTS]
    turns = [names[k % len(names)] for k in range(count)]
    sound = {family: iter(healthy(count * SHARED, seed + 1, family)[::SHARED]) for family in SHARES}
    return [(name, with_fault(name, next(sound[family_of(name)]))) for name in turns]


def family_of(fault: str) -> type[Settings]:
    return OTHER_FAULTS[fault][0] if fault in OTHER_FAULTS else Recurrent


def with_fault(name: str, settings: Settings) -> Settings:
    return replace(settings, **(OTHER_FAULTS[name][1] if name in OTHER_FAULTS else FAULTS[name]))


class Score:
    """How many runs there were, how many were called ill, and what is worth telling of them."""

    def __init__(self):
        self.count = self.called = self.learned = 0
        self.codes: Counter[str] = Counter()
        self.content: list[str] = []

    def add(self, run: Run) -> tuple[str, ...]:
        """Let the doctor look at one more."""
        codes = tuple(finding.code for finding in diagnose(run))
        self.count += 1
        self.called += bool(codes)
        self.learned += bool(run.snapshot.error[-1] <= LEARNED * run.baseline)
        self.codes.update(codes)
        return codes


def score_healthy(count: int, seed: int = SEED) -> Score:
    from lessons.engine.train import trained

    score = Score()
    for settings in counted(healthy(count, seed), "healthy"):
        if codes := score.add(trained(Recipe(settings))):
            score.content.append(f"{', '.join(codes)}: {type(settings).__name__} {written(settings)}")
    return score


def score_broken(count: int, seed: int = SEED) -> Score:
    from lessons.engine.train import trained

    score = Score()
    for name, settings in counted(broken(count, seed), "broken"):
        if not score.add(trained(Recipe(settings))):
            score.content.append(f"{name}: {type(settings).__name__} {written(settings)}")
    return score


def counted(drawn: list, kind: str) -> Iterator:
    """How far it is, on the terminal."""
    for k, one in enumerate(drawn):
        print(f"\r{kind}: {k + 1} of {len(drawn)}", end="", file=sys.stderr, flush=True)
        yield one


def written(settings: Settings) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.to_query().items())


HEAD = f"""# How often is the doctor wrong about a run?

Measured by `make false-alarms` (`python -m tests.tools.false_alarms`, drawn with seed {SEED}) on random runs of all
families, that are really trained. *Healthy* runs are healthy by construction: the aligned mask is passed to the layers,
the loss returns one value per step, every layer hands the mask on, the labels are learnable, and rate and epochs fit
the optimiser. A *broken* run is such a set-up with one fault put in. No rule has a say in what is healthy or broken.
"""


def page(sound: Score, ill: Score) -> str:
    lines = [
        HEAD,
        f"## Healthy: {sound.called} of {sound.count} called ill ({sound.called / sound.count:.1%})\n",
        f"{sound.learned} of them end at less than {LEARNED:g} times the best constant's error.\n",
        *(f"- {line}" for line in sound.content),
        *([""] if sound.content else []),
        f"## Broken: {ill.count - ill.called} of {ill.count} unnoticed\n",
        "A fault that happens to do no harm counts as unnoticed too.\n" if ill.content else "",
        *(f"- {line}" for line in ill.content),
        "\n| finding | broken runs with it |\n| --- | ---: |",
        *(f"| `{code}` | {count} |" for code, count in ill.codes.most_common()),
        "\nThe faults, in turn: " + ", ".join([*FAULTS, *OTHER_FAULTS]) + ".\n",
        "## What healthy settings are drawn from\n",
        "| field | values |\n| --- | --- |",
        "| task, loss, activation | " + "; ".join(" ".join(map(str, row.values())) for row in TASKS) + " |",
        *(f"| {name} | {listed(values)} |" for name, values in (STRUCTURE | ARGUMENTS).items()),
        *(f"| learning_rate with {name} | {listed(values)} |" for name, values in RATES.items()),
        *(f"| epochs with {name} | {listed(values)} |" for name, values in EPOCHS.items()),
        "| mask | aligned; sometimes from the inputs, where padding is 0 |",
        "| seed | 0 to 9999 |",
        "\nSo much of the recurrent family, which has "
        + f"{SHARES[Recurrent]:.0%} of the structures. Of the others:\n",
        "| family | field | values |\n| --- | --- | --- |",
        *(
            f"| {family.__name__} | {name} | {listed(values)} |"
            for family, (fixed, free) in OTHERS.items()
            for name, values in (fixed | free).items()
        ),
    ]
    return "\n".join(lines) + "\n"


def listed(values: tuple) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in dict.fromkeys(values))


def main() -> None:
    os.environ.update(QUIET)
    started = time.monotonic()
    text = page(score_healthy(HEALTHY), score_broken(BROKEN))
    PAGE.write_text(text, encoding="utf-8")
    print(text, f"\n{time.monotonic() - started:.0f} s", sep="")


if __name__ == "__main__":
    main()
