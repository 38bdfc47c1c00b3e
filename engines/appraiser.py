"""`python -m engines.appraiser KIND`: says in one line of JSON what a load would take, and ends.

A process of its own, because it may import the model library and look at files on a disk that does not answer.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import msgspec

from engines.appraisal import AppraiseFunction, Said
from engines.bootstrap import SETTINGS
from engines.catalog import KINDS
from engines.contract import CannotLoad
from engines.settings import with_changes


def main() -> None:
    """Appraise the settings in the environment."""
    kind = KINDS[sys.argv[1]]
    settings = with_changes(kind.settings(), msgspec.json.decode(os.environ[SETTINGS]), "the engine")
    appraise: AppraiseFunction = import_module(kind.appraise).appraise
    try:
        said = Said(appraise(settings), None)
    except CannotLoad as error:
        said = Said(None, error.problem)
    # A library may have printed before; the line is the last.
    sys.stdout.write(f"\n{msgspec.json.encode(said).decode()}\n")


if __name__ == "__main__":
    main()
