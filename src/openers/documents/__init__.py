"""Files and documents: where content is kept, what is looked for in it, and the addresses under which it is fetched."""
