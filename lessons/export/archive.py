"""A script or notebook as one file: with a learner's data beside it, where these are large, as a zip."""

import io
import zipfile

from lessons.export.bundle import Bundle
from lessons.export.notebook import notebook
from lessons.export.script import data_beside, script

MAKES = {".py": script, ".ipynb": notebook}


def ending_of(bundle: Bundle, ending: str) -> str:
    """`.zip` where the file comes with another, else `ending`, one of MAKES."""
    return ".zip" if data_beside(bundle) else ending


def taken(bundle: Bundle, ending: str) -> bytes:
    """The bytes of the script (`.py`) or notebook (`.ipynb`), or of the zip. Raises BadInput as `script` does."""
    text, data = MAKES[ending](bundle), data_beside(bundle)
    if data is None:
        return text.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(bundle.file(ending), text)
        archive.writestr(bundle.file("-data.csv"), data)
    return packed.getvalue()
