"""The seams of the service: what the processes need of the outside world, as Protocols and plain records."""
