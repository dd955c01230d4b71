"""From the command line to a Trainer, and back to one line of error."""
