"""What a person reads when an export or an import is done."""

from pathlib import Path

from mathse.share.exchange.counts import Counts
from mathse.share.exchange.export import EXCLUDED
from mathse.share.exchange.importing import QUARANTINE, Imported
from mathse.sources.adapters.mathse_export import NAME


def of_export(folder: Path, counts: Counts) -> str:
    """One paragraph: rows, images, size, licences, and what was left out."""
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    licences = ", ".join(f"{rows} {licence}" for licence, rows in counts.of("licence").items())
    left = "\n".join(f"  {count} rows left out: {reason}" for reason, count in counts.excluded.most_common())
    listed = f"\n{left}\n  listed in {folder / EXCLUDED}" if left else "\nno row left out"
    return f"{folder}: {counts.rows} rows, {counts.images} images, {size / 1e6:.1f} MB ({licences}){listed}"


def warning(counts: Counts) -> str:
    """Said when licences were overridden."""
    return (
        f"warning: {counts.unshareable} of the rows may not be shared or trained on, by their licence or because "
        "nobody knows it. Keep this folder to yourself; its card says so too"
    )


def of_import(found: Imported) -> str:
    """What was taken in, what was not, and how params.yaml names it."""
    bad = "".join(f"\n  {count} rows quarantined: {reason}" for reason, count in found.quarantined.most_common())
    bad += f"\n  listed in {found.folder / QUARANTINE}" if bad else ""
    bad += f"\n  {found.unlisted} files that SHA256SUMS does not name were not copied" if found.unlisted else ""
    return f"""{found.folder}: {found.problems} problems, {found.paths} paths judged correct{bad}
To use them, add to params.yaml, the first line in problems.sources, the second in distill.recorded (for its paths):
  - {{name: {NAME}, label: {found.name}, path: {found.folder.as_posix()}}}
  - {{name: {NAME}, source: {found.name}, path: {found.folder.as_posix()}}}"""
