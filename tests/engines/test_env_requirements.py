"""The data files of requirements: everything is pinned, as it is pinned for the rest of the program."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engines.catalog import KINDS
from engines.environments.requirements import Device, Requirements, devices_of, kinds, requirements_of

ROOT = Path(__file__).parents[2]
ALL = [(kind, device) for kind in kinds() for device in devices_of(kind)]
PIN = re.compile(r"([\w.-]+)==([\w.]+)(; sys_platform == 'linux')?")


def named(requirements: Requirements) -> dict[str, str]:
    """Versions by canonical name."""
    pins = (*requirements.wheels, *requirements.built, *requirements.tools)
    return {canonical(match[1]): match[2] for pin in pins if (match := PIN.fullmatch(pin))}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_every_kind_of_engine_can_have_an_environment() -> None:
    assert set(KINDS) | {"llm", "embed", "stt", "fake"} <= set(kinds())
    assert [devices_of(kind) for kind in ("llm", "embed", "stt", "fake")] == [("cpu", "cuda")] * 3 + [("cpu",)]
    assert devices_of("nobody") == ()


@pytest.mark.parametrize(("kind", "device"), ALL)
def test_every_package_is_pinned_and_as_elsewhere(kind: str, device: Device) -> None:
    requirements = requirements_of(kind, device)
    pins = (*requirements.wheels, *requirements.built, *requirements.tools)
    assert all(map(PIN.fullmatch, pins)), pins
    ours, theirs = named(requirements), constraints()
    assert {name: version for name, version in ours.items() if theirs.get(name, version) != version} == {}


@pytest.mark.parametrize(("kind", "device"), ALL)
def test_every_environment_holds_what_every_process_needs(kind: str, device: Device) -> None:
    assert {"anyio", "msgspec", "psutil", "nvidia-ml-py", "uvloop"} <= set(named(requirements_of(kind, device)))


@pytest.mark.parametrize("kind", ["llm", "stt", "embed"])
def test_the_extras_of_the_program_are_the_same_packages(kind: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = named(requirements_of(kind, "cpu"))
    for pin in project["optional-dependencies"][kind]:
        name, _, version = pin.partition("==")
        assert ours[canonical(name)] == version


def test_llama_cpp_is_compiled_here_under_the_name_of_its_wheel() -> None:
    assert [requirements_of("llm", device).built for device in devices_of("llm")] == [("llama_cpp_python==0.3.36",)] * 2
    assert {"cmake", "ninja", "scikit-build-core"} <= set(named(requirements_of("llm", "cpu")))
    assert requirements_of("embed", "cuda").tools == ()


def test_a_change_of_any_pin_is_another_digest() -> None:
    one = Requirements("x", "cpu", ("a==1",), ("b==1",), ("c==1",))
    others = (
        Requirements("x", "cpu", ("a==2",), ("b==1",), ("c==1",)),
        Requirements("x", "cpu", ("a==1",), ("b==2",), ("c==1",)),
        Requirements("x", "cpu", ("a==1",), ("b==1",), ("c==2",)),
        Requirements("x", "cpu", ("a==1", "b==1"), (), ("c==1",)),
    )
    assert len({one.digest, *(other.digest for other in others)}) == 5
    assert one.digest == Requirements("x", "cpu", ("a==1",), ("b==1",), ("c==1",)).digest
