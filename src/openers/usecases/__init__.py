"""What can be done and asked, one file each, and the ports through which it reaches the world outside."""
