"""Private keys of test applications, published on purpose: one JSON Web Key a file, made by scripts/make_test_keys.py.

They open test worlds and nothing else; production mode refuses to start with the applications that they belong to.
"""
