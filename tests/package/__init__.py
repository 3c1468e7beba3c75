"""Tests of what is given to users: the packages, what they contain, and what is said about the packages of others."""
