"""`python -P -m bench.supervisors.child FILE`: the service that the peers look after.

Imports what the child of a fake engine imports, so that its start costs the same, appends its pid and the moment to
FILE, and waits. It has no handshake, load or self-test; a fake engine has, and its figures include them.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time

for module in ("engines.engine_role", "engines.runtime", "engines.fake.engine"):
    importlib.import_module(module)
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {time.time()!r}\n")
threading.Event().wait()
