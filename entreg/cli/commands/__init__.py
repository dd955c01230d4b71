"""One file for each command that needs no Trainer."""
