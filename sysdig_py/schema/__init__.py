"""What an event is: event table, record layout, state records, field catalogue."""
