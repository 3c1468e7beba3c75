"""Files and documents: where content is kept and scanned, under which addresses it is fetched, and what is typeset."""
