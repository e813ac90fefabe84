"""The only place that picks implementations: from the settings to the ports that the processes need."""
