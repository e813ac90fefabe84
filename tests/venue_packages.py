"""A package with a kind of venue, as an installation leaves it in a folder of the path."""

import re
import tomllib
from pathlib import Path

HOWTO = Path(__file__).parents[1] / "docs" / "howto" / "add-a-venue.md"


def install_venue_package(folder: Path, name: str, code: str, entry_points: dict[str, str]) -> None:
    """Put a module and what its distribution says of itself into the folder."""
    (folder / f"{name}.py").write_text(code)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{kind} = {place}" for kind, place in entry_points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[orderlane.venues]", *lines, ""]))


def install_paper_venue(folder: Path) -> None:
    """Put the example of the how-to into the folder, with its test."""
    blocks = dict(re.findall(r"^`(\w+\.py)`.*?```python\n(.*?)^```$", HOWTO.read_text(), re.MULTILINE | re.DOTALL))
    [project] = re.findall(r"^```toml\n(.*?)^```$", HOWTO.read_text(), re.MULTILINE | re.DOTALL)
    entry_points = tomllib.loads(project)["project"]["entry-points"]["orderlane.venues"]
    install_venue_package(folder, "paper_venue", blocks["paper_venue.py"], entry_points)
    (folder / "test_paper_venue.py").write_text(blocks["test_paper_venue.py"])
