"""The tests of OpenERS. A package, so that no installed package named `tests` can stand in for it."""
