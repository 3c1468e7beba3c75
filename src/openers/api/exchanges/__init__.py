"""The exchange log: its lines, and how they are collected."""
