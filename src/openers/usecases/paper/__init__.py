"""Letters and summaries."""
