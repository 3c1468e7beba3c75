"""Private keys of test applications, published on purpose: one JSON Web Key a file, made by scripts/make_test_keys.py.

They only open test worlds. Production mode refuses to start if the applications of these keys exist.
"""
