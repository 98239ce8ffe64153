"""Which names of the text around it a statement reads, and which it binds."""

import ast

from lessons.sandbox.admission.syntax import parameter_names, stored_names

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def read_names(node: ast.AST) -> set[str]:
    """The names that a node takes from around it."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return {node.target.id} | read_names(node.value)
    if isinstance(node, ast.FunctionDef):
        outside = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        own = parameter_names(node.args) | _all(bound_names, node.body)
        return _all(read_names, outside) | (_all(read_names, node.body) - own)
    if isinstance(node, ast.Lambda):
        outside = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        return _all(read_names, outside) | (read_names(node.body) - parameter_names(node.args))
    if isinstance(node, ast.ClassDef):
        return _all(read_names, [*node.bases, *node.decorator_list, *node.body]) - {node.name}
    if isinstance(node, ast.AnnAssign):
        return read_names(node.value) | read_names(node.target) if node.value else set()
    inside = _all(read_names, list(ast.iter_child_nodes(node)))
    if isinstance(node, _COMPREHENSIONS):
        return inside - {name for part in node.generators for name in stored_names(part.target)}
    return inside


def bound_names(node: ast.AST) -> set[str]:
    """The names that a statement gives a value, in its own scope."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return set()
    return _all(bound_names, list(ast.iter_child_nodes(node)))


def changed_names(node: ast.AST) -> set[str]:
    """The names whose value a statement changes in place: `model.add(…)`, `sizes[0] = 1`, `layer.trainable = False`."""
    found = set()
    for part in ast.walk(node):
        target: ast.expr | None = None
        if isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store):
            target = part
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            target = part.value.func
        root = root_name(target) if isinstance(target, ast.Attribute | ast.Subscript) else None
        if root:
            found.add(root)
    return found


def root_name(node: ast.expr | None) -> str | None:
    """`model` of `model.layers[0].trainable`."""
    inner: ast.expr | None = node
    while isinstance(inner, ast.Attribute | ast.Subscript | ast.Call):
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return inner.id if isinstance(inner, ast.Name) else None


def measured_only(nodes: list[ast.stmt], name: str) -> bool:
    """Whether the statements read nothing of a name but `name.shape`, and do so."""
    reads = shapes = 0
    for node in (part for statement in nodes for part in ast.walk(statement)):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            reads += 1
        elif isinstance(node, ast.Attribute) and node.attr == "shape" and isinstance(node.value, ast.Name):
            shapes += node.value.id == name
    return 0 < reads == shapes


def _all(function, nodes) -> set[str]:
    return set().union(*map(function, nodes))
