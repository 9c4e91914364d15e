"""Deep visibility into a Linux host and its containers."""
