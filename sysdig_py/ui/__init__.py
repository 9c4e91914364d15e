"""User interfaces: each turns what a person asks for into one pipeline run."""
