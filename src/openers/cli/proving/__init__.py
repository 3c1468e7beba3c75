"""What callers prove who they are with: certificates and smartcards."""
