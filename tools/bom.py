"""What the product is made of: `python -m tools.bom` writes deploy/sbom.cdx.json (CycloneDX) and docs/licences.md.

Packages and versions are those of deploy/requirements.txt, the lock of the container. Licences are SPDX expressions: as
each package's metadata say, or, where those are older than SPDX, as deploy/licences.csv says with its source.
"""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import OutputFormat, make_outputter
from cyclonedx.schema import SchemaVersion
from license_expression import get_spdx_licensing
from packageurl import PackageURL

ROOT = Path(__file__).parents[1]
LOCK, TOLD = ROOT / "deploy" / "requirements.txt", ROOT / "deploy" / "licences.csv"
BOM, PAGE = ROOT / "deploy" / "sbom.cdx.json", ROOT / "docs" / "licences.md"
PERMISSIVE = frozenset(
    {"Apache-2.0", "MIT", "MIT-0", "MIT-CMU", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Zlib", "CC0-1.0", "PSF-2.0"}
)
BY_FILE = frozenset({"MPL-2.0"})
"""Binds who changes a file of it to show that file; taking it along unchanged is free."""
_LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
_SPDX = get_spdx_licensing()
HEAD = """# Licences

Headroom is under Apache-2.0. These are the packages of the container (`deploy/requirements.txt`), written by
`make bom`; the same as CycloneDX is in [sbom.cdx.json](../deploy/sbom.cdx.json). All are permissive; MPL-2.0 (certifi,
a list of certificates) binds only who changes its files.

Wheels carry more than their name says: NumPy and SciPy have OpenBLAS (BSD-3-Clause) and GCC's run time (GPL-3.0 with
the exception that frees programs built with it); Streamlit's pages have fonts under OFL-1.1.

| package | version | licence |
| --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Package:
    """One locked package.

    licence : SPDX expression; "" where nobody says one
    """

    name: str
    version: str
    licence: str


def main() -> None:
    """Writes both files."""
    packages = tuple(locked(LOCK))
    BOM.write_text(bill(packages), encoding="utf-8")
    PAGE.write_text(page(packages), encoding="utf-8")
    print(f"{len(packages)} packages: {BOM.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


def locked(lock: Path) -> Iterator[Package]:
    """The packages of a lock file, in its order."""
    with TOLD.open(encoding="utf-8", newline="") as lines:
        told = {line["package"]: line["licence"] for line in csv.DictReader(lines)}
    for name, version in _LOCKED.findall(lock.read_text(encoding="utf-8")):
        yield Package(name, version, told.get(name) or _of_metadata(name))


def licences(expression: str) -> frozenset[str]:
    """The licences that an SPDX expression names.

    >>> sorted(licences("Apache-2.0 OR BSD-3-Clause"))
    ['Apache-2.0', 'BSD-3-Clause']
    """
    return frozenset(str(key) for key in _SPDX.license_keys(expression))


def bill(packages: tuple[Package, ...]) -> str:
    """The bill of materials; the same packages make the same text, whenever it is written."""
    factory = LicenseFactory()
    app = Component(
        name="headroom",
        bom_ref="headroom",
        type=ComponentType.APPLICATION,
        licenses=[factory.make_with_id("Apache-2.0")],
    )
    components = [
        Component(
            name=one.name,
            version=one.version,
            bom_ref=f"{one.name}=={one.version}",
            purl=PackageURL("pypi", None, one.name, one.version),
            licenses=[factory.make_from_string(one.licence)] if one.licence else [],
        )
        for one in packages
    ]
    made = Bom(components=components, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, repr(packages)))
    made.metadata.component = app
    made.register_dependency(app, components)
    made.metadata.timestamp = None  # type: ignore[assignment] - the schema does not ask for it
    return make_outputter(made, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1) + "\n"


def page(packages: tuple[Package, ...]) -> str:
    """The same for people."""
    return HEAD + "".join(f"| {one.name} | {one.version} | {one.licence} |\n" for one in packages)


def _of_metadata(name: str) -> str:
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    said = told.get("License-Expression") or told.get("License") or ""
    return said if len(said) < 100 and not _SPDX.validate(said).errors else ""


if __name__ == "__main__":
    main()
