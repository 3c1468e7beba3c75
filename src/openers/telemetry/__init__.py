"""What operators see of a running service: logs and metrics, with nothing of a patient in them."""
