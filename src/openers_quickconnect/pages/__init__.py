"""The pages, by subject. Each is a function of a desk."""
