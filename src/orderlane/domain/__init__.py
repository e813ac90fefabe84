"""The rules of the business: money, splitting, state machines, cash and units. Standard library only, no I/O."""
