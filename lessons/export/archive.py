"""A script or notebook as one file: with a learner's data beside it, where these are large, as a zip."""

import io
import zipfile

from lessons.export.bundle import Bundle
from lessons.export.notebook import notebook
from lessons.export.script import beside, own_rows, script

MAKES = {".py": script, ".ipynb": notebook}


def ending_of(bundle: Bundle, ending: str) -> str:
    """`.zip` where the file comes with another, else `ending`, one of MAKES."""
    return ".zip" if beside(bundle.recipe) else ending


def taken(bundle: Bundle, ending: str) -> bytes:
    """The bytes of the script (`.py`) or notebook (`.ipynb`), or of the zip. Raises BadInput as `script` does."""
    text = MAKES[ending](bundle)
    if not beside(bundle.recipe):
        return text.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(bundle.file(ending), text)
        archive.writestr(bundle.file("-data.csv"), "\n".join([*own_rows(bundle.recipe), ""]))
    return packed.getvalue()
