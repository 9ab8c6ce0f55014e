"""Which rows of a mix leave: all of them, those that a query returns, or those that people tagged.

Sample: `Selection(sql="select path_id from verdicts where confidence > 0.9", tag=Tag.GOOD)`: what both name
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from mathse.limits import bounded_memory
from mathse.look import catalogue
from mathse.share.rows import ExportError
from mathse.tables import views
from mathse.tables.schemas import Tag

_TAGGED = """
    select path_id from curation where tag = $tag
    union
    -- What was corrected is in no mix; its correction may be.
    select path_id from paths
    where kind = 'edited' and $tag = 'fixed' and parent_path_id in (select path_id from curation where tag = $tag)
"""


@dataclass(frozen=True)
class Selection:
    """What rows are chosen by; each of the two may be None.

    Attributes:
        sql: One SELECT over the views of `mathse query`, with a column `path_id`.
        tag: What people said of the paths; of `fixed`, their corrections.
    """

    sql: str | None = None
    tag: Tag | None = None

    def described(self) -> dict[str, str]:
        """For `lineage.json`: empty where all rows leave."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}

    def ids(self, root: Path) -> list[pa.Table]:
        """The path ids that each part names, as tables of the column `path_id`; a row leaves that is in all of them.

        Raises:
            ExportError: The query fails or returns no `path_id`.
            QueryError: It is not one SELECT, or a table cannot be read.
        """
        parts: list[tuple[str, dict[str, Any]]] = []
        if self.sql is not None:
            views.select_statement(self.sql, "--sql")
            parts.append((self.sql, {}))
        if self.tag is not None:
            parts.append((_TAGGED, {"tag": self.tag.value}))
        tables = []
        with bounded_memory(), catalogue.connect(root, self.sql or "") as connection:
            for sql, values in parts:
                try:
                    found = connection.sql(sql, params=values).to_arrow_table()
                except duckdb.Error as error:
                    raise ExportError(f"--sql: {error}") from error
                if "path_id" not in found.column_names:
                    raise ExportError(f"--sql: no column path_id; it returns {', '.join(found.column_names)}")
                tables.append(found.select(["path_id"]))
        return tables
