"""Support for every test run: pytest plugins, waiting, programs of this machine, the project's folder."""
