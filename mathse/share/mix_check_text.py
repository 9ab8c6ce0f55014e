"""What `mathse mix check` found, for people.

mix check my_mix.sql for step 1: 1,820 candidates

  contract  one row per candidate path, with path_id and reason
  order     the same mix from rows in another order
  checks    7 of 7 passed

                                    now     new  change
  in the mix                        326     346     +20
  judged WRONG                    1,443   1,443
"""

from collections.abc import Iterator

from mathse.share.mix_check import Change, Explained

SHOWN_PARTS = 12
SHOWN_CHARACTERS = 100
UNSTABLE = "NOT the same mix from rows in another order: end every `order by` with path_id"


def render(found: Explained) -> str:
    """Lines for a terminal."""
    return "\n".join(_lines(found))


def _lines(found: Explained) -> Iterator[str]:
    yield f"mix check {found.query} for step {found.step}: {found.candidates:,} candidates"
    yield ""
    yield "  contract  one row per candidate path, with path_id and reason"
    yield f"  order     {'the same mix from rows in another order' if found.stable else UNSTABLE}"
    yield f"  checks    {len(found.checks) - len(found.failed)} of {len(found.checks)} passed"
    yield from (f"            {failed}" for failed in found.failed)
    if found.stale:
        yield f"  on disk   the mix of step {found.step} is not what mix.query chooses now, by {found.stale:,} rows"
    yield ""
    yield f"  {'':40} {'now':>10} {'new':>10} {'change':>10}"
    yield from map(_change, found.reasons)
    for part, changes in found.parts.items():
        yield ""
        yield f"  in the mix, by {part}"
        yield from map(_change, changes[:SHOWN_PARTS])
        if len(changes) > SHOWN_PARTS:
            yield f"  ... and {len(changes) - SHOWN_PARTS} more"
    for what, counts in (("added", found.added), ("removed", found.removed)):
        yield ""
        why = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
        yield f"  {what} {sum(counts.values()):,}" + (f", {'now' if what == 'added' else 'then'}: {why}" if why else "")
        for row in found.examples[what]:
            text = " ".join(str(row["text"]).split())
            yield f"    {row['path_id']} of {row['problem_id']}, {row['kind']} {row['round']}, {row['reason']}"
            yield f"      {text[:SHOWN_CHARACTERS]}{'...' if len(text) > SHOWN_CHARACTERS else ''}"


def _change(change: Change) -> str:
    difference = f"{change.new - change.now:+,}" if change.new != change.now else ""
    return f"  {change.name:40} {change.now:>10,} {change.new:>10,} {difference:>10}".rstrip()
