"""Which tables and views are of lanes, as the migrations say."""

from importlib.resources import files

import pglast
from pglast import ast
from pglast.enums import AlterTableType, ConstrType

from tests.unit.postgres.lane_levels import LANE
from tests.unit.postgres.lane_rules import Breach, Catalog, Check
from tests.unit.postgres.sql_nodes import renamed, strings


def migrations() -> str:
    folder = files("orderlane.postgres") / "migrations"
    steps = sorted((step for step in folder.iterdir() if step.name.endswith(".sql")), key=lambda step: step.name)
    return "\n".join(step.read_text("utf-8") for step in steps)


class Schema:
    """The tables and views that the statements of migrations make, and what the views break."""

    def __init__(self, ddl: str) -> None:
        self.columns: dict[str, tuple[str, ...]] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        self.lane_tables: set[str] = set()
        self.breaches: dict[str, list[Breach]] = {}
        for raw in pglast.parse_sql(ddl):
            self._read(raw.stmt)

    def catalog(self) -> Catalog:
        return Catalog(dict(self.columns), frozenset(self.lane_tables))

    def _read(self, statement: ast.Node) -> None:
        match statement:
            case ast.CreateStmt():
                self._read_table(statement)
            case ast.ViewStmt():
                self._read_view(statement)
            case ast.AlterTableStmt():
                self._read_change(statement)
            case _:
                return

    def _read_table(self, statement: ast.CreateStmt) -> None:
        name, whole = statement.relation.relname, next(iter(statement.inhRelations or ()), None)
        if whole:
            self.columns[name], self.keys[name] = self.columns[whole.relname], self.keys[whole.relname]
        else:
            self.columns[name], self.keys[name] = read_columns(statement), read_key(statement)
        if LANE in self.keys[name]:
            self.lane_tables.add(name)

    def _read_view(self, statement: ast.ViewStmt) -> None:
        name, check = statement.view.relname, Check(self.catalog())
        finding = check.statement(statement.query)
        self.columns[name] = renamed(finding.columns, strings(statement.aliases)) or ()
        self.breaches[name] = finding.breaches
        if LANE in self.columns[name] and check.reads_lanes(statement.query):
            self.lane_tables.add(name)

    def _read_change(self, statement: ast.AlterTableStmt) -> None:
        for change in statement.cmds:
            if change.subtype == AlterTableType.AT_AddColumn:
                self.columns[statement.relation.relname] += (change.def_.colname,)


def read_columns(statement: ast.CreateStmt) -> tuple[str, ...]:
    return tuple(element.colname for element in statement.tableElts or () if isinstance(element, ast.ColumnDef))


def read_key(statement: ast.CreateStmt) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    for element in statement.tableElts or ():
        constraints = (element,) if isinstance(element, ast.Constraint) else element.constraints or ()
        for constraint in constraints:
            if constraint.contype == ConstrType.CONSTR_PRIMARY:
                return strings(constraint.keys) or (element.colname,)
    return ()
