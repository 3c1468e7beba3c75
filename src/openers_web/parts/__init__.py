"""Parts of pages, as typed functions that return HTML. The style guide shows each in every state."""
