"""The living style guide: one page that shows every part in every state. Applications serve it in test mode."""
