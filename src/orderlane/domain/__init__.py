"""The rules of the business: money, splitting, state machines, cash and units. Standard library and msgspec, no I/O."""
