"""What TensorFlow's optimizer of graphs, grappler, does to a graph of ours before it runs for the first time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2  # none of these has a public name
from tensorflow.python.eager import context

# They leave our graphs on a processor as they are, and take a quarter of grappler's time.
NEEDLESS = ("layout_optimizer", "loop_optimization", "shape_optimization", "implementation_selector")


@contextmanager
def quickly(wanted: bool = True) -> Iterator[None]:
    """Within it, what is run for the first time goes through grappler once and not twice, and past needless passes.

    All that is run in there must always be run in there: what grappler makes of it is kept with these options. The
    numbers are the same bits (tests/engine/test_grappler.py).
    """
    if not wanted:
        yield
        return
    here = context.context()
    before = here.function_call_options
    here.function_call_options = quick(here.config.SerializeToString(deterministic=True))
    try:
        yield
    finally:
        here.function_call_options = before


@cache
def quick(config: bytes) -> context.FunctionCallOptions:
    """The options of a call in this process, whose own are `config`."""
    less = config_pb2.ConfigProto.FromString(config)
    rewriting = less.graph_options.rewrite_options
    rewriting.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    rewriting.memory_optimization = rewriter_config_pb2.RewriterConfig.NO_MEM_OPT
    for name in NEEDLESS:
        setattr(rewriting, name, rewriter_config_pb2.RewriterConfig.OFF)
    return context.FunctionCallOptions(config_proto=less)


def not_at_all() -> bytes:
    """The configuration, serialized, of a call of a graph that grappler has been over."""
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config.SerializeToString()
