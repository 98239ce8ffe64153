"""Which statements of a text its models need, and the names that a batch of the page's stands in for."""

import ast
import builtins
from dataclasses import dataclass

from lessons.sandbox.admission.model.free_names import bound_names, changed_names, measured_only, read_names
from lessons.sandbox.admission.model.names import MODEL
from lessons.sandbox.admission.refusal import Refused

# What people call the sizes of their data, beside the names that `build` has for them.
TIMESTEPS = frozenset(
    """timesteps n_timesteps time_steps num_timesteps timestep max_len maxlen max_length MAX_LEN MAXLEN MAX_LENGTH
    MAX_SEQUENCE_LENGTH max_sequence_length seq_len seq_length sequence_length max_seq_len SEQ_LEN n_steps input_length
    window_size look_back""".split()
)
FEATURES = frozenset(
    "features n_features num_features n_feature feature_dim data_dim input_dim n_inputs num_feat".split()
)
CLASSES = frozenset(
    "classes n_classes num_classes nb_classes n_tags num_tags n_labels num_labels n_outputs NUM_CLASSES".split()
)
WORDS = frozenset(
    """vocab_size vocabulary_size num_words max_features VOCAB_SIZE MAX_NB_WORDS n_words max_words top_words num_tokens
    MAX_NUM_WORDS nb_words input_vocab_size""".split()
)
MOST_WORDS = 200  # how many words an embedding of the text has where it does not say
NAMES_OF_SIZES = TIMESTEPS | FEATURES | CLASSES | WORDS


_PLAIN = (ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.Tuple, ast.operator, ast.unaryop, ast.expr_context)


def sizes_of(timesteps: int, features: int, classes: int) -> dict[str, int]:
    """What the names stand for that people have for sizes of their data."""
    return (
        dict.fromkeys(TIMESTEPS, timesteps)
        | dict.fromkeys(FEATURES, features)
        | dict.fromkeys(CLASSES, classes)
        | dict.fromkeys(WORDS, MOST_WORDS)
    )


def shape_of_data(name: str, timesteps: int, features: int, classes: int) -> tuple[int, ...]:
    """Of what stands for data of that name, of which only the shape is read: labels, or inputs."""
    labels = name[:1].lower() == "y" or name.lower().startswith(("label", "target"))
    return (1, classes) if labels else (1, timesteps, features)


@dataclass(frozen=True)
class Needed:
    """`tree`: the statements. `sizes`, `data`: the names that they read and that stand for a size of the batch, and
    for a batch of which only the shape is read."""

    tree: ast.Module
    sizes: frozenset[str]
    data: frozenset[str]


def needed(body: list[ast.stmt], names: set[str]) -> Needed:
    """What these names need. Raises Refused for a name that nothing binds."""
    sizes = NAMES_OF_SIZES - {name for statement in body if _is_plain(statement) for name in bound_names(statement)}
    kept = _slice(body, names, sizes)
    data = frozenset(name for name in _read(kept) - names if measured_only(kept, name))
    kept = _slice(body, names, sizes | data)
    _check_bound(kept, sizes | data)
    return Needed(ast.Module(kept, []), sizes & _read(kept), data)


def _is_plain(statement: ast.stmt) -> bool:
    """`max_len = 2 * 10`: what needs no data."""
    return isinstance(statement, ast.Assign | ast.AnnAssign) and all(
        isinstance(node, _PLAIN) for node in (ast.walk(statement.value) if statement.value else ())
    )


def _read(statements: list[ast.stmt]) -> set[str]:
    return set().union(*map(read_names, statements))


def _slice(body: list[ast.stmt], names: set[str], given: frozenset[str]) -> list[ast.stmt]:
    """The statements that bind or change what these names need, without those that only bind what is given."""
    everywhere = set(names)  # what a function reads it may read whenever it is called
    while True:
        wanted, inside, kept = set(everywhere), set[str](), []
        for statement in reversed(body):
            defines = isinstance(statement, ast.FunctionDef | ast.ClassDef)
            touched = bound_names(statement) | (set() if defines else changed_names(statement))
            if touched & wanted - given:
                kept.append(_pruned(statement, wanted))
                reads = read_names(statement)
                wanted |= reads
                inside |= reads if defines else set()
        if inside <= everywhere:
            return kept[::-1]
        everywhere |= inside


def _pruned(statement: ast.stmt, wanted: set[str]) -> ast.stmt:
    """An import without the names that nobody reads."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return statement
    used = [alias for alias in statement.names if (alias.asname or alias.name.partition(".")[0]) in wanted]
    if isinstance(statement, ast.Import):
        return ast.copy_location(ast.Import(used), statement)
    return ast.copy_location(ast.ImportFrom(statement.module, used, statement.level), statement)


def _check_bound(kept: list[ast.stmt], given: frozenset[str]) -> None:
    bound = set().union(*map(bound_names, kept)) | given | MODEL.known.keys() | set(dir(builtins))
    for statement in kept:
        for name in sorted(read_names(statement) - bound):
            line = next(node.lineno for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == name)
            classes = name[:1].isupper() and not name.isupper()
            instead = "use one of Keras' layers, or paste its class" if classes else f"add a line such as `{name} = 10`"
            raise Refused(f"`{name}` is used and not defined here: {instead}", line)
