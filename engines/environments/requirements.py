"""What an environment holds, read from the data files beside the kinds: `engines/<kind>/requirements-<device>.txt`.

Every package is pinned, also those that others bring along. A line marked `# built here` is compiled on this box, with
the tools of the kind's `requirements-build.txt`. A line marked `# own pins not kept` names a package that works with
other versions than it asks for, and without some of what it asks for: what `pip check` says of it is no fault.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec

Device: TypeAlias = Literal["cpu", "cuda"]
DEVICES: Final[tuple[Device, ...]] = get_args(Device)
ENGINES: Final = Path(__file__).parents[1]
_BUILT: Final = "# built here"
_UNKEPT: Final = "# own pins not kept"


@dataclass(frozen=True)
class Requirements:
    """Pins of the form `name==version`, with a marker where one is needed.

    `wheels` are installed as they are published, `built` is compiled here by the `tools`; `unkept` are the names of
    packages whose own pins are knowingly not kept.
    """

    kind: str
    device: Device
    wheels: tuple[str, ...]
    built: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    unkept: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same packages."""
        return digest([self.wheels, self.built, self.tools])


def devices_of(kind: str, engines: Path = ENGINES) -> tuple[Device, ...]:
    """For which devices the kind has requirements; none for a kind that is not known."""
    return tuple(device for device in DEVICES if _file(kind, device, engines).is_file())


def kinds(engines: Path = ENGINES) -> tuple[str, ...]:
    """Every kind that has requirements, also one that is not in the catalog yet."""
    return tuple(sorted({file.parent.name for file in engines.glob("*/requirements-*.txt") if _is_kind(file)}))


def requirements_of(kind: str, device: Device, engines: Path = ENGINES) -> Requirements:
    """Those of the kind and, before them, those of every engine's process."""
    lines = _lines(_file(kind, device, engines))
    built = tuple(_pin(line) for line in lines if line.endswith(_BUILT))
    return Requirements(
        kind,
        device,
        wheels=(
            *map(_pin, _lines(engines / "requirements.txt")),
            *(_pin(line) for line in lines if not line.endswith(_BUILT)),
        ),
        built=built,
        tools=tuple(map(_pin, _lines(engines / kind / "requirements-build.txt"))) if built else (),
        unkept=tuple(_pin(line).partition("==")[0] for line in lines if line.endswith(_UNKEPT)),
    )


def digest(value: object) -> str:
    """Twelve hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:12]


def _is_kind(file: Path) -> bool:
    return file.stem.removeprefix("requirements-") in DEVICES


def _file(kind: str, device: Device, engines: Path) -> Path:
    return engines / kind / f"requirements-{device}.txt"


def _lines(file: Path) -> list[str]:
    stripped = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def _pin(line: str) -> str:
    return line.partition("#")[0].strip()
