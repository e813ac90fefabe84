"""The levels of a parsed statement: what each can name, and which lanes are known to be equal in it."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, Union

from pglast import ast

from tests.unit.postgres.sql_nodes import Equality, Expression, strings, unwrapped, walk_level

LANE = "lane"

Columns: TypeAlias = tuple[str, ...] | None


@dataclass(eq=False, slots=True)
class Relation:
    """What a FROM clause names: `columns` is None where nobody knows them; `is_lanes` if its rows are of lanes."""

    name: str
    columns: Columns
    is_lanes: bool
    is_restricted: bool = False
    subquery: ast.Node | None = None


class Column(NamedTuple):
    """A column of a relation."""

    relation: Relation
    name: str


Key: TypeAlias = Column | str
Link: TypeAlias = tuple[Key, Key]


class Restriction(NamedTuple):
    """`column` equals `value`; this restricts its relation, if it is among those named."""

    column: Column
    value: Expression
    restricts: frozenset[str]


@dataclass(slots=True)
class Level:
    """One level of a statement, within the level around it."""

    parent: Union["Level", None]
    relations: dict[str, Relation] = field(default_factory=dict)
    ctes: dict[str, Relation] = field(default_factory=dict)
    restrictions: list[Restriction] = field(default_factory=list)
    own_links: list[Link] = field(default_factory=list)

    def cte(self, name: str) -> Relation | None:
        return self.ctes.get(name) or (self.parent.cte(name) if self.parent else None)

    def lanes(self) -> frozenset[Column]:
        return frozenset(Column(relation, LANE) for relation in self.relations.values() if relation.is_lanes)

    def links(self) -> list[Link]:
        return self.own_links + (self.parent.links() if self.parent else [])

    def key(self, expression: Expression) -> Key:
        """What an expression is in a link: the column, or the text of anything else."""
        return self.resolve(expression) or repr(unwrapped(expression))

    def resolve(self, expression: Expression) -> Column | None:
        """The column that a reference names, here or around; None for whatever is no column."""
        match strings(expression.fields) if isinstance(expression, ast.ColumnRef) else ():
            case (*_, alias, name):
                relation = self._relation(alias)
                return Column(relation, name) if relation else None
            case (name,):
                return self._column(name)
            case _:
                return None

    def _relation(self, alias: str) -> Relation | None:
        return self.relations.get(alias) or (self.parent._relation(alias) if self.parent else None)

    def _column(self, name: str) -> Column | None:
        owners = [relation for relation in self.relations.values() if name in (relation.columns or ())]
        unknown = [relation for relation in self.relations.values() if relation.columns is None]
        if owners or unknown:
            return Column((owners or unknown)[0], name)
        return self.parent._column(name) if self.parent else None

    def demand(self, equality: Equality, restricts: frozenset[str]) -> None:
        """Note an equality that holds for every row of the relations that it restricts."""
        for one, other in ((equality.left, equality.right), (equality.right, equality.left)):
            column = self.resolve(one)
            if column and column.name == LANE and column.relation in self.relations.values():
                self.restrictions.append(Restriction(column, other, restricts))
        if equality.is_plain:
            self.own_links.append((self.key(equality.left), self.key(equality.right)))

    def apply_restrictions(self) -> None:
        """Mark the tables whose lane is given by now; a subquery has to restrict its tables itself."""
        for column, value, restricts in self.restrictions:
            relation = column.relation
            if relation.name in restricts and not relation.subquery and self._is_known(value):
                relation.is_restricted = True

    def _is_known(self, value: Expression) -> bool:
        """Whether a value is there before any unrestricted table of a lane is read."""
        columns = [self.resolve(node) for node in walk_level(value) if isinstance(node, ast.ColumnRef)]
        return all(column and (column.relation.is_restricted or not column.relation.is_lanes) for column in columns)


def are_linked(keys: frozenset[Column], links: list[Link]) -> bool:
    """Whether all of them are equal by the links."""
    groups: list[set[Key]] = []
    for link in links:
        touched = [group for group in groups if group & set(link)]
        groups = [group for group in groups if group not in touched] + [set(link).union(*touched)]
    return len(keys) < 2 or any(keys <= group for group in groups)
