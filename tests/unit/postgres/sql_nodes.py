"""What the rules of lanes need to know of parsed SQL: its nodes, equalities and names."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeAlias

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, SubLinkType

Expression: TypeAlias = ast.Node | tuple[Any, ...] | None


class Equality:
    """`left = right`, or `left = ANY (right)` and its kind, which `is_plain` tells apart."""

    def __init__(self, left: Expression, right: Expression, is_plain: bool) -> None:
        self.left = unwrapped(left)
        self.right = unwrapped(right)
        self.is_plain = is_plain


def unwrapped(node: Expression) -> Expression:
    """The expression without its outermost casts."""
    while isinstance(node, ast.TypeCast):
        node = node.arg
    return node


def children(node: Any) -> Iterator[Any]:
    if isinstance(node, tuple):
        yield from node
    elif isinstance(node, ast.Node):
        yield from (getattr(node, field) for field in node)


def walk(node: Any) -> Iterator[ast.Node]:
    """Every node at and below this one."""
    if isinstance(node, ast.Node):
        yield node
    yield from chain.from_iterable(walk(child) for child in children(node))


def walk_level(node: Any) -> Iterator[ast.Node]:
    """Every node at and below this one that belongs to the same level: subqueries and CTEs are levels of their own."""
    if isinstance(node, ast.SelectStmt | ast.WithClause):
        return
    if isinstance(node, ast.Node):
        yield node
    yield from chain.from_iterable(walk_level(child) for child in children(node))


def own_nodes(statement: ast.Node) -> Iterator[ast.Node]:
    return chain.from_iterable(walk_level(child) for child in children(statement))


def own_columns(statement: Any) -> Iterator[ast.ColumnRef]:
    return (node for node in own_nodes(statement) if isinstance(node, ast.ColumnRef))


def tables(node: Any) -> set[str]:
    return {found.relname for found in walk(node) if isinstance(found, ast.RangeVar)}


def strings(nodes: tuple[ast.String, ...] | None) -> tuple[str, ...]:
    return tuple(node.sval for node in nodes or () if isinstance(node, ast.String))


def column_of(alias: str, column: str) -> ast.ColumnRef:
    return ast.ColumnRef(fields=(ast.String(sval=alias), ast.String(sval=column)))


def equalities(node: Expression) -> Iterator[Equality]:
    """What must be equal where the condition holds: of OR and NOT, nothing."""
    match node:
        case ast.BoolExpr(boolop=BoolExprType.AND_EXPR):
            yield from chain.from_iterable(equalities(part) for part in node.args)
        case ast.A_Expr() if strings(node.name) == ("=",):
            yield from compared(node)
        case ast.SubLink(subLinkType=SubLinkType.ANY_SUBLINK) if strings(node.operName) in {(), ("=",)}:
            yield from (Equality(item, node.subselect, is_plain=False) for item in row(node.testexpr))
        case _:
            return


def compared(node: ast.A_Expr) -> Iterator[Equality]:
    left, right = row(node.lexpr), row(node.rexpr)
    match node.kind:
        case A_Expr_Kind.AEXPR_OP if len(left) == len(right):
            yield from (Equality(*pair, is_plain=True) for pair in zip(left, right, strict=True))
        case A_Expr_Kind.AEXPR_OP | A_Expr_Kind.AEXPR_OP_ANY:
            yield from (Equality(item, node.rexpr, is_plain=False) for item in left)
        case A_Expr_Kind.AEXPR_IN:
            yield from (Equality(item, node.rexpr, is_plain=False) for item in left)
        case _:
            return


def row(node: Expression) -> tuple[Expression, ...]:
    """The items of a row, or the expression alone."""
    return node.args if isinstance(node, ast.RowExpr) else (node,)


def target_name(target: ast.ResTarget, alone: str = "?column?") -> str:
    """The name that PostgreSQL gives to a column of the result."""
    if target.name:
        return str(target.name)
    match unwrapped(target.val):
        case ast.ColumnRef(fields=fields) if strings(fields):
            return strings(fields)[-1]
        case ast.FuncCall(funcname=names):
            return strings(names)[-1]
        case _:
            return alone


def returned(statement: ast.Node) -> tuple[ast.ResTarget, ...]:
    clause = statement.returningClause
    return clause.exprs if clause else ()


def alias_of(item: ast.Node) -> str:
    """The name by which a query knows an item of its FROM clause."""
    if item.alias:
        return str(item.alias.aliasname)
    match item:
        case ast.RangeVar():
            return str(item.relname)
        case ast.RangeFunction(functions=((ast.FuncCall(funcname=names), *_), *_)):
            return strings(names)[-1]
        case _:
            return f"?{id(item)}"


def alias_columns(item: ast.Node) -> tuple[str, ...]:
    return strings(item.alias.colnames) if item.alias else ()


def renamed(columns: tuple[str, ...] | None, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Columns of which the first have new names."""
    return names + (columns or ())[len(names) :] if names else columns
