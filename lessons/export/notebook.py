"""A run as a Jupyter notebook: the script in cells, with figures."""

from lessons.export.bundle import Bundle
from lessons.export.script import head, loss_of, parts_of


def notebook(bundle: Bundle) -> str:
    """The file's text. Raises BadInput as `script` does."""
    import nbformat
    from nbformat import v4

    given = loss_of(bundle)
    title, *rest = head(bundle).split("\n\n")
    texts = [("markdown", "\n\n".join([f"# {title}", *rest]))]
    for place, part in enumerate(parts_of(bundle, given, notebook=True)):
        code = "\n".join(filter(None, [given.first, part.code])) if place == 0 else part.code
        texts += [("markdown", f"## {part.title}"), ("code", code)]
    make = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}
    cells = [make[kind](text, id=f"cell-{place}") for place, (kind, text) in enumerate(texts)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.writes(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))
