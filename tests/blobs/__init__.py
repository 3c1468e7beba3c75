"""Tests of files: both blob stores, the scanner, crashes, and memory use."""
