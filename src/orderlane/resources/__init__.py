"""The JSON shape of every resource, the same in an API answer and in an event.

Amounts, quantities, prices and weights are decimal strings, times RFC 3339 UTC with milliseconds.
"""
