"""A mypy plugin: arithmetic on decimals goes through `orderlane.domain.money`, which says when it would not be exact.

An operator, `sum`, `abs`, `round` or a method without a context takes its precision from the process, and rounds
silently where that falls short. mypy knows the types, so each is refused with what to write instead. Comparisons are
exact and stay allowed, as does formatting without a precision.

Where mypy tries several signatures (an operator with a whole number on its left, `sum` of a list), it refuses the
decimal in its own words: unsupported operand, incompatible item.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from mypy.errorcodes import ErrorCode
from mypy.nodes import CallExpr, Expression, MemberExpr, StrExpr
from mypy.plugin import FunctionContext, MethodContext, Plugin
from mypy.types import Instance, Type, UnionType, get_proper_type

CODE: Final = ErrorCode("exact-arithmetic", "Arithmetic on decimals that may round", "Orderlane")

DECIMAL: Final = "decimal.Decimal"
MONEY: Final = "orderlane.domain.money"

OPERATORS: Final = {
    "add": f"{MONEY}.add",
    "sub": f"{MONEY}.subtract",
    "mul": f"{MONEY}.multiply",
    "truediv": f"{MONEY}.divide",
    "floordiv": f"{MONEY}.whole_quotient",
    "divmod": f"{MONEY}.whole_quotient",
    "mod": f"{MONEY}.whole_quotient and {MONEY}.subtract",
    "pow": f"{MONEY}.multiply",
}
METHODS: Final = {
    "__neg__": f"{MONEY}.negate",
    "__pos__": "the number itself",
    "__abs__": f"{MONEY}.magnitude",
    "__round__": "a rounding with a name: Currency.floor, Currency.ceiling, quantity_floor, quantity_ceiling",
    "__format__": f"{MONEY}.plain or Currency.write",
    **{f"__{name}__": instead for name, instead in OPERATORS.items()},
    **{f"__r{name}__": instead for name, instead in OPERATORS.items()},
}
CONTEXTUAL: Final = frozenset(
    {
        "canonical",
        "compare",
        "compare_signal",
        "exp",
        "fma",
        "ln",
        "log10",
        "logb",
        "max",
        "max_mag",
        "min",
        "min_mag",
        "next_minus",
        "next_plus",
        "next_toward",
        "normalize",
        "quantize",
        "remainder_near",
        "rotate",
        "scaleb",
        "shift",
        "sqrt",
        "to_integral_exact",
    }
)
"""Methods that round by the process's context unless they are given one."""

FUNCTIONS: Final = {
    "builtins.sum": f"{MONEY}.total",
    "builtins.abs": METHODS["__abs__"],
    "builtins.round": METHODS["__round__"],
    "builtins.divmod": OPERATORS["divmod"],
    "builtins.pow": OPERATORS["pow"],
    "builtins.format": METHODS["__format__"],
    "math.prod": f"{MONEY}.multiply",
    "math.fsum": f"{MONEY}.total",
    "statistics.mean": f"{MONEY}.total and {MONEY}.divide",
    "_operator.neg": METHODS["__neg__"],
    "_operator.abs": METHODS["__abs__"],
    **{f"_operator.{name}": instead for name, instead in OPERATORS.items()},
}
WRITTEN_FORMAT: Final = re.compile(r":([^{}]*)\}")
CONSTRUCTORS: Final = {"builtins.float": "the decimal, or its text"}


class ExactArithmetic(Plugin):
    """Refuses what may round a decimal."""

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """The check of a method or of an operator, by its full name."""
        if fullname == "builtins.str.format":
            return _refuse_precision
        owner, _, name = fullname.rpartition(".")
        if owner != DECIMAL:
            return None
        if name in METHODS:
            return lambda call: _refused(call, f"{name} of Decimal", METHODS[name])
        if name not in CONTEXTUAL:
            return None
        return lambda call: _refuse_without_context(call, name)

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """The check of a function, by its full name."""
        instead = FUNCTIONS.get(fullname) or CONSTRUCTORS.get(fullname)
        if instead is not None:
            return lambda call: _refuse_decimals(call, fullname, instead)
        return _refuse_float if fullname == DECIMAL else None


def plugin(_: str) -> type[Plugin]:
    """What mypy asks for."""
    return ExactArithmetic


def _refused(call: MethodContext | FunctionContext, what: str, instead: str, place: Expression | None = None) -> Type:
    call.api.fail(f"{what} may round by the process's context; use {instead}", place or call.context, code=CODE)
    return call.default_return_type


def _refuse_without_context(call: MethodContext, name: str) -> Type:
    arguments = dict(zip(call.callee_arg_names, call.args, strict=True))
    if arguments.get("context"):
        return call.default_return_type
    return _refused(call, f"{name} of Decimal without a context", f"a function of {MONEY}")


def _refuse_decimals(call: FunctionContext, fullname: str, instead: str) -> Type:
    named = any(_holds(kind, DECIMAL) for kind in _flat(call.arg_types))
    is_decimal = named or _holds(call.default_return_type, DECIMAL)
    return _refused(call, f"{fullname} of Decimal", instead) if is_decimal else call.default_return_type


def _refuse_float(call: FunctionContext) -> Type:
    if any(_is(kind, "builtins.float") for kind in _flat(call.arg_types)):
        return _refused(call, "Decimal of a float", "its text")
    return call.default_return_type


def _refuse_precision(call: MethodContext) -> Type:
    """An f-string comes as a call of `str.format` with the value and its format."""
    formats = [value.value for value in _flat(call.args) if isinstance(value, StrExpr)]
    if isinstance(call.context, CallExpr) and isinstance(call.context.callee, MemberExpr):
        template = call.context.callee.expr
        formats += WRITTEN_FORMAT.findall(template.value) if isinstance(template, StrExpr) else []
    has_precision = any("." in form or "%" in form for form in formats)
    if has_precision and any(_is(kind, DECIMAL) for kind in _flat(call.arg_types)):
        return _refused(call, "a format with a precision", METHODS["__format__"])
    return call.default_return_type


def _flat(groups: Iterable[Iterable[Expression]] | Iterable[Iterable[Type]]) -> Iterable[Expression | Type]:
    return (entry for group in groups for entry in group)


def _holds(kind: Expression | Type, name: str) -> bool:
    """Whether a type is, or holds as a type argument or a member of a union, the named one."""
    if not isinstance(kind, Type):
        return False
    proper = get_proper_type(kind)
    if isinstance(proper, UnionType):
        return any(_holds(item, name) for item in proper.items)
    return isinstance(proper, Instance) and (_is(proper, name) or any(_holds(part, name) for part in proper.args))


def _is(kind: Expression | Type, name: str) -> bool:
    proper = get_proper_type(kind) if isinstance(kind, Type) else None
    if isinstance(proper, UnionType):
        return any(_is(item, name) for item in proper.items)
    return isinstance(proper, Instance) and proper.type.fullname == name
