"""The data files of requirements: everything is pinned, as it is pinned for the rest of the program."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from engines.catalog import KINDS
from engines.environments.requirements import Device, Requirements, devices_of, kinds, requirements_of

ROOT = Path(__file__).parents[2]
ALL = [(kind, device) for kind in kinds() for device in devices_of(kind)]
PIN = re.compile(r"([\w.-]+)={2,3}([\w.]+(?:\+cpu)?)(; (?:sys_platform [!=]= 'linux'|python_version (?:<|>=) '3.13'))?")
OWN: dict[str, dict[str, str]] = {
    "tts": {
        "huggingface-hub": "transformers 5.2, which chatterbox-tts needs, needs one below 2",
        "ml-dtypes": "later ones need numpy 2",
        "numpy": "chatterbox-tts needs one below 2 up to Python 3.12",
        "tokenizers": "transformers 5.2 needs one up to 0.23.0",
    },
}
"""Packages that a kind has in a version of its own, and why: nothing but that kind runs in its environment."""


def named(requirements: Requirements) -> dict[str, str]:
    """Versions by canonical name; of those for several Pythons or platforms the first."""
    versions: dict[str, str] = {}
    for match in map(PIN.fullmatch, (*requirements.wheels, *requirements.built, *requirements.tools)):
        if match is not None:
            versions.setdefault(canonical(match[1]), match[2])
    return versions


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_every_kind_of_engine_can_have_an_environment() -> None:
    assert set(KINDS) | {"llm", "embed", "stt", "fake"} <= set(kinds())
    assert {kind: devices_of(kind) for kind in kinds() if kind != "fake"} == dict.fromkeys(
        ("embed", "llm", "stt", "tts"), ("cpu", "cuda")
    )
    assert devices_of("fake") == ("cpu",)
    assert devices_of("nobody") == ()


@pytest.mark.parametrize(("kind", "device"), ALL)
def test_every_package_is_pinned_and_as_elsewhere(kind: str, device: Device) -> None:
    requirements = requirements_of(kind, device)
    pins = (*requirements.wheels, *requirements.built, *requirements.tools)
    assert all(map(PIN.fullmatch, pins)), pins
    ours, theirs = named(requirements), constraints()
    others = {name for name, version in ours.items() if theirs.get(name, version) != version}
    assert others == set(OWN.get(kind, {}))


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


def test_what_speaks_is_the_same_on_both_devices_but_for_the_build_of_torch() -> None:
    cpu, cuda = ({*requirements_of("tts", device).wheels} for device in devices_of("tts"))
    assert cpu - cuda == {"torch==2.13.0+cpu; sys_platform == 'linux'", "torch==2.13.0; sys_platform != 'linux'"}
    assert {pin for pin in cuda - cpu if not pin.startswith(("nvidia-", "cuda-", "triton=="))} == {"torch===2.13.0"}


def test_the_torch_for_gpus_is_never_the_build_for_cpus() -> None:
    """pip takes the highest version that a pin allows, and `2.13.0+cpu` is above `2.13.0`."""
    (pin,) = (pin for pin in requirements_of("tts", "cuda").wheels if pin.startswith("torch="))
    assert [version for version in ("2.13.0", "2.13.0+cpu") if version in Requirement(pin).specifier] == ["2.13.0"]


def test_packages_whose_own_pins_are_not_kept_are_few_and_named() -> None:
    assert {
        kind: requirements_of(kind, device).unkept for kind, device in ALL if requirements_of(kind, device).unkept
    } == {"tts": ("chatterbox-tts", "s3tokenizer")}


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
