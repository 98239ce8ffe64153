"""Files for anybody's own notebook, with their own model: each is one file of ours, as it is."""

from pathlib import Path

ENGINE = Path(__file__).parent.parent / "engine"
FILES = {  # name -> what it is for
    "mask_xray.py": "which layer loses the mask, and where padding gets in",
    "gradient_meter.py": "a callback for your own fit: where the gradient goes",
}


def text(name: str) -> str:
    """Of one of FILES."""
    return (ENGINE / name).read_text(encoding="utf-8")
