"""Files under pressure: both blob stores, the scanner, crashes, memory."""
