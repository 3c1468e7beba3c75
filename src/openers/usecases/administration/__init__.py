"""Register organisations, people, applications, services and more, and end them."""
