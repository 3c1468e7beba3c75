"""The administration API below `/admin/v1`: register organisations, people, applications, services, and more."""
