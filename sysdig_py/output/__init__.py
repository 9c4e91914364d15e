"""Where finished text goes: the file objects a run was given."""
