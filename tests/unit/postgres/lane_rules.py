"""The rule of lanes on parsed SQL: every statement on a lane's table names `lane`, and joins such tables on it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import pglast
from pglast import ast
from pglast.enums import JoinType, SetOperation, SubLinkType

from tests.unit.postgres.lane_levels import LANE, Column, Columns, Level, Link, Relation, are_linked
from tests.unit.postgres.sql_nodes import (
    Equality,
    Expression,
    alias_columns,
    alias_of,
    column_of,
    equalities,
    own_columns,
    own_nodes,
    renamed,
    returned,
    row,
    strings,
    tables,
    target_name,
    walk_level,
)


class Rule(StrEnum):
    """What a statement can break."""

    NAMED = "reads or changes a lane's table without naming its lane"
    JOINED = "brings tables of lanes together without lane = lane"
    INSERTED = "inserts into a lane's table without naming lane among the columns"
    READABLE = "is of a kind that this check cannot read"


class Breach(NamedTuple):
    """A rule, and the relations of the statement that break it."""

    rule: Rule
    relations: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Tables and views with their columns, and which of them are of lanes."""

    columns: dict[str, tuple[str, ...]]
    lane_tables: frozenset[str]


@dataclass(slots=True)
class Finding:
    """What a statement breaks, its columns, and how the lanes that it reads hang together."""

    breaches: list[Breach]
    columns: Columns = None
    lanes: frozenset[Column] = frozenset()
    links: list[Link] = field(default_factory=list)


def breaches(sql: str, catalog: Catalog) -> list[Breach]:
    """What the statements break, in their order."""
    return [breach for raw in pglast.parse_sql(sql) for breach in Check(catalog).statement(raw.stmt).breaches]


class Check:
    """The check of one statement; a subquery is checked within the level around it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def statement(self, node: ast.Node, parent: Level | None = None, tested: tuple[Expression, ...] = ()) -> Finding:
        """Check a statement; `tested` are the expressions of the level around it that IN compares with its columns."""
        level = Level(parent)
        found = self._ctes(getattr(node, "withClause", None), level)
        match node:
            case ast.SelectStmt() if node.op != SetOperation.SETOP_NONE:
                finding = self._set_operation(node, level, tested)
            case ast.SelectStmt():
                self._from(node.fromClause or (), node.whereClause, level)
                finding = self._conclude(node, level, node.targetList or (), tested)
            case ast.UpdateStmt():
                self._from((node.relation, *(node.fromClause or ())), node.whereClause, level)
                finding = self._conclude(node, level, returned(node))
            case ast.DeleteStmt():
                self._from((node.relation, *(node.usingClause or ())), node.whereClause, level)
                finding = self._conclude(node, level, returned(node))
            case ast.InsertStmt():
                finding = self._insert(node, level)
            case _:
                finding = Finding([Breach(Rule.READABLE, name) for name in sorted(self._lane_tables(node))])
        finding.breaches[:0] = found
        return finding

    def reads_lanes(self, query: ast.Node, level: Level | None = None) -> bool:
        """Whether a table of a lane is somewhere in a query, also by way of the CTEs around it."""
        ctes = (level.cte(name) for name in tables(query)) if level else ()
        return bool(self._lane_tables(query)) or any(cte and cte.is_lanes for cte in ctes)

    def _lane_tables(self, node: ast.Node) -> frozenset[str]:
        return tables(node) & self._catalog.lane_tables

    def _ctes(self, clause: ast.WithClause | None, level: Level) -> list[Breach]:
        found: list[Breach] = []
        for cte in clause.ctes if clause else ():
            names = strings(cte.aliascolnames)
            if clause and clause.recursive and isinstance(cte.ctequery, ast.SelectStmt) and cte.ctequery.larg:
                begun = self.statement(cte.ctequery.larg, level)
                level.ctes[cte.ctename] = self._derived(cte.ctename, cte.ctequery, renamed(begun.columns, names), level)
            finding = self.statement(cte.ctequery, level)
            level.ctes[cte.ctename] = self._derived(cte.ctename, cte.ctequery, renamed(finding.columns, names), level)
            found += finding.breaches
        return found

    def _derived(self, name: str, query: ast.Node, columns: Columns, level: Level) -> Relation:
        """A subquery or CTE, which is checked by itself: of lanes, if it reads a lane's table and hands on its lane."""
        is_lanes = LANE in (columns or ()) and self.reads_lanes(query, level)
        return Relation(name, columns, is_lanes, is_restricted=True)

    def _set_operation(self, node: ast.SelectStmt, level: Level, tested: tuple[Expression, ...]) -> Finding:
        left, right = (self.statement(side, level, tested) for side in (node.larg, node.rarg))
        found = left.breaches + right.breaches
        return Finding(found, left.columns, left.lanes | right.lanes, left.links + right.links)

    def _insert(self, node: ast.InsertStmt, level: Level) -> Finding:
        source = self.statement(node.selectStmt, level) if node.selectStmt else Finding([])
        named = tuple(target.name for target in node.cols or ()) or source.columns or ()
        target = self._table(node.relation, level)
        target.is_restricted = True
        level.relations = {target.name: target, "excluded": Relation("excluded", target.columns, is_lanes=False)}
        finding = self._conclude(node, level, returned(node))
        if target.is_lanes and LANE not in named:
            finding.breaches.insert(0, Breach(Rule.INSERTED, target.name))
        finding.breaches[:0] = source.breaches
        return finding

    def _from(self, items: Iterable[ast.Node], condition: Expression, level: Level) -> None:
        names = frozenset[str]().union(*[self._item(item, level) for item in items])
        for equality in equalities(condition):
            level.demand(equality, names)

    def _item(self, item: ast.Node, level: Level) -> frozenset[str]:
        """Add what one item of a FROM clause names; the names."""
        match item:
            case ast.JoinExpr():
                return self._join(item, level)
            case ast.RangeVar():
                relation = self._table(item, level)
            case ast.RangeFunction():
                relation = Relation(alias_of(item), self._function_columns(item), is_lanes=False)
            case ast.RangeSubselect():
                columns = renamed(self.statement(item.subquery, level).columns, alias_columns(item))
                relation = self._derived(alias_of(item), item.subquery, columns, level)
                relation.subquery, relation.is_restricted = item.subquery, False
            case _:
                raise NotImplementedError(f"{type(item).__name__} in a FROM clause")
        level.relations[relation.name] = relation
        return frozenset([relation.name])

    def _table(self, item: ast.RangeVar, level: Level) -> Relation:
        cte = None if item.schemaname else level.cte(item.relname)
        columns = cte.columns if cte else self._catalog.columns.get(item.relname)
        is_lanes = cte.is_lanes if cte else item.relname in self._catalog.lane_tables
        return Relation(alias_of(item), renamed(columns, alias_columns(item)), is_lanes, is_restricted=cte is not None)

    def _function_columns(self, item: ast.RangeFunction) -> tuple[str, ...]:
        """The columns of a function's rows: as its alias says, or those of the table that gives their type."""
        named = alias_columns(item) or tuple(column.colname for column in item.coldeflist or ())
        casts = [node.typeName.names for node in walk_level(item.functions) if isinstance(node, ast.TypeCast)]
        row_types = [self._catalog.columns.get(strings(names)[-1], ()) for names in casts]
        return named or next(filter(None, row_types), (alias_of(item), "value", "ordinality"))

    def _join(self, item: ast.JoinExpr, level: Level) -> frozenset[str]:
        if item.isNatural or item.alias:
            raise NotImplementedError("a NATURAL join, or one with a name of its own")
        left, right = self._item(item.larg, level), self._item(item.rarg, level)
        restricts = {
            JoinType.JOIN_INNER: left | right,
            JoinType.JOIN_LEFT: right,
            JoinType.JOIN_RIGHT: left,
            JoinType.JOIN_FULL: frozenset[str](),
        }[item.jointype]
        shared = (
            Equality(*shared_column(name, left, right, level), is_plain=True) for name in strings(item.usingClause)
        )
        for equality in (*equalities(item.quals), *shared):
            level.demand(equality, restricts)
        return left | right

    def _conclude(
        self,
        node: ast.Node,
        level: Level,
        targets: tuple[ast.ResTarget, ...],
        tested: tuple[Expression, ...] = (),
    ) -> Finding:
        """Judge a level whose FROM and WHERE are read, then the subqueries in its expressions."""
        found = self._settle(level)
        found += [
            Breach(Rule.NAMED, relation.name)
            for relation in level.relations.values()
            if relation.is_lanes and not relation.is_restricted and not relation.subquery
        ]
        found += apart(node, level, targets, tested)
        for link in own_nodes(node):
            if isinstance(link, ast.SubLink):
                is_tested = link.subLinkType == SubLinkType.ANY_SUBLINK
                found += self.statement(link.subselect, level, row(link.testexpr) if is_tested else ()).breaches
        return Finding(found, result_columns(level, targets), level.lanes(), level.own_links)

    def _settle(self, level: Level) -> list[Breach]:
        """Restrict relations by each other until nothing more follows; what the subqueries break then."""
        while True:
            before = [relation.is_restricted for relation in level.relations.values()]
            level.apply_restrictions()
            found = [breach for relation in level.relations.values() for breach in self._subquery(relation, level)]
            if before == [relation.is_restricted for relation in level.relations.values()]:
                return found

    def _subquery(self, relation: Relation, level: Level) -> list[Breach]:
        if not relation.subquery:
            return []
        finding = self.statement(relation.subquery, level)
        relation.is_restricted = all(breach.rule != Rule.NAMED for breach in finding.breaches)
        if relation.is_lanes:
            level.own_links += [*finding.links, *((Column(relation, LANE), lane) for lane in finding.lanes)]
        return finding.breaches


def apart(
    node: ast.Node, level: Level, targets: tuple[ast.ResTarget, ...], tested: tuple[Expression, ...]
) -> list[Breach]:
    """Tables of lanes that a level reads together, or with one around it, though their lanes need not be equal."""
    around = level.parent or level
    if len(tested) == len(targets):
        level.own_links += [
            (around.key(item), level.key(target.val)) for item, target in zip(tested, targets, strict=True)
        ]
    named = {level.resolve(column) for column in own_columns(node)} | {around.resolve(item) for item in tested}
    read = level.lanes() | {Column(column.relation, LANE) for column in named if column and column.relation.is_lanes}
    if not level.lanes() or are_linked(read, level.links()):
        return []
    return [Breach(Rule.JOINED, ", ".join(sorted(column.relation.name for column in read)))]


def shared_column(column: str, left: frozenset[str], right: frozenset[str], level: Level) -> Iterator[ast.ColumnRef]:
    """A column that USING names, of each side."""
    for side in (left, right):
        relations = [relation for name, relation in level.relations.items() if name in side]
        owner = next(relation for relation in relations if relation.columns is None or column in relation.columns)
        yield column_of(owner.name, column)


def result_columns(level: Level, targets: tuple[ast.ResTarget, ...]) -> tuple[str, ...]:
    """The names of the columns of a result; those behind a star as far as they are known."""
    names: list[str] = []
    for target in targets:
        match target.val:
            case ast.ColumnRef(fields=(ast.A_Star(),)):
                names += [name for relation in level.relations.values() for name in relation.columns or ()]
            case ast.ColumnRef(fields=(ast.String(sval=alias), ast.A_Star())):
                names += level.relations[alias].columns or ()
            case _:
                names.append(target_name(target))
    return tuple(names)
