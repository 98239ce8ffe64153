"""A figure whose letters can be read from the last row of a classroom."""

import math
from typing import Any

USUAL = 11  # pixels of letters that a figure says nothing of (pages/parts/charts/canvas.js)
TICKS = 4  # of a vertical axis, at most


def enlarged(figure: dict[str, Any], size: int) -> dict[str, Any]:
    """The same figure with no letter below `size` pixels, and margins that hold them. The given one stays as it is."""
    grown = fonts(figure, size)
    layout = grown["layout"]
    layout["font"] = layout.get("font", {}) | {"size": size}
    for name, axis in list(layout.items()):
        if name.startswith("yaxis"):
            layout[name] = axis | ticks(axis, grown["data"], name.replace("axis", ""))
    layout["margin"] = {side: round(wide * size / USUAL) for side, wide in layout.get("margin", {}).items()}
    return grown


def fonts(part: Any, size: int) -> Any:
    """A copy of dictionaries and lists; numbers of traces are not looked at."""
    if isinstance(part, dict):
        grown = {name: fonts(value, size) for name, value in part.items()}
        return grown | {name: font(value, size) for name, value in part.items() if name.endswith("font")}
    if isinstance(part, list) and part and isinstance(part[0], dict):
        return [fonts(one, size) for one in part]
    return part


def font(given: dict[str, Any], size: int) -> dict[str, Any]:
    return given | {"size": max(size, given.get("size", size))}


def ticks(axis: dict[str, Any], traces: list[dict[str, Any]], name: str) -> dict[str, int]:
    """So few that their letters do not lie upon each other."""
    if axis.get("type") == "log" and "dtick" in axis:  # in decades
        return {"dtick": math.ceil(max(decades(traces, name), 1) / TICKS)}
    return {"nticks": TICKS}


def decades(traces: list[dict[str, Any]], name: str) -> float:
    """Between the least and the greatest value that is drawn on a logarithmic axis."""
    drawn = (y for trace in traces if trace.get("yaxis", "y") == name for y in trace.get("y", ()))
    values = [y for y in drawn if y and math.isfinite(y)]
    return math.log10(max(values) / min(values)) if values else 0.0
