"""Files that another program has open: Windows does not let them be moved, replaced or deleted meanwhile."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

_PAUSES_S = (0.01, 0.03, 0.1, 0.3, 0.6, 1.0) if sys.platform == "win32" else ()  # elsewhere nobody is in the way


def patiently(do: Callable[Given, Result], *args: Given.args, **more: Given.kwargs) -> Result:
    """Do something to files; again for two seconds where a virus scanner or `mkdocs serve` happens to read one.

    Raises:
        OSError: of the last attempt.
    """
    for pause_s in _PAUSES_S:
        try:
            return do(*args, **more)
        except PermissionError:  # so Windows says that somebody has the file open
            time.sleep(pause_s)
    return do(*args, **more)
