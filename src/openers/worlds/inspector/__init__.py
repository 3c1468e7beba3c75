"""What test mode remembers of calls: masked exchanges, what is wrong with them, what they nearly were, as files."""
