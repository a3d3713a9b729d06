"""The ways to install the course agree: pyproject.toml, requirements.lock and environment.yml."""

import re
import tomllib
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [Requirement(r) for r in PROJECT["dependencies"] + EXTRAS["course"] + EXTRAS["dev"]]
LOCK = (ROOT / "requirements.lock").read_text()
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())

# What conda-forge calls otherwise than the package index does.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
    "flit_core": "flit-core",
    "msgpack": "msgpack-python",
}


def conda_specs():
    specs = [spec for spec in CONDA["dependencies"] if isinstance(spec, str)]
    return {spec.split()[0]: spec for spec in specs if spec.split()[0] not in ("python", "pip")}


def locked_versions(name):
    return [Version(v) for v in re.findall(rf"^{re.escape(name)}==([^ ]+)", LOCK, flags=re.MULTILINE)]


def test_conda_installs_what_pip_installs():
    wanted = {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in REQUIREMENTS}
    written = {name: spec.removeprefix(name).strip() for name, spec in conda_specs().items()}
    as_set = lambda specifier: set(specifier.split(","))
    assert written.keys() == wanted.keys()
    assert {name: as_set(s) for name, s in written.items()} == {name: as_set(s) for name, s in wanted.items()}


@pytest.mark.parametrize("spec", conda_specs().values())
def test_conda_understands_each_requirement(spec):
    assert rattler.MatchSpec(spec, strict=True).version is not None


def test_conda_asks_for_the_same_python():
    assert f"python {PROJECT['requires-python']}" in CONDA["dependencies"]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
def test_the_lock_holds_versions_within_each_range(requirement):
    versions = locked_versions(requirement.name.replace("_", "-"))
    assert versions
    assert all(version in requirement.specifier for version in versions)


def test_the_lock_is_hashed_and_names_no_index():
    packages = re.findall(r"^[a-z0-9].*==.*$", LOCK, flags=re.MULTILINE)
    assert len(packages) > 100
    assert all(package.endswith("\\") for package in packages)  # followed by its hashes
    assert "://" not in LOCK


def test_the_build_backend_is_locked_so_that_installing_needs_no_isolation():
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert set(backend) <= set(EXTRAS["dev"])
