"""The exchange log: which calls the systems of partners make, without any content."""
