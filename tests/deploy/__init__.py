"""Tests of the files with which operators run the service: the container image, compose and systemd units."""
