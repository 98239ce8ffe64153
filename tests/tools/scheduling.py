"""In which order the test processes take the files: what takes longest first, so that both are busy to the end.

A file is run by one process, which shares its server and its traced graphs. So are the files of a group, which look at
the same server or at the same runs.
"""

from xdist.scheduler import LoadScopeScheduling

GROUPS = {}
LONGEST = ()


def scope(nodeid: str) -> str:
    file = nodeid.partition("::")[0].removeprefix("tests/")
    return GROUPS.get(file, file)


class LongestFirst(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)
