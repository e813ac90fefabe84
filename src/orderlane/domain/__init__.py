"""The rules of the business: money, splitting, the two state machines, cash and units. Standard library only, no I/O."""
