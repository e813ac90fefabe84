"""The places where orders are executed, each behind `orderlane.ports.venue`."""
