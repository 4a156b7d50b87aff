"""Stock programs of the field, each a script that runs in a process of its own."""
