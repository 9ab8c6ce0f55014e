"""What a person reads when an export or an import is done."""

from pathlib import Path

from mathse.share.exchange.counts import Counts
from mathse.share.exchange.export import EXCLUDED


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
