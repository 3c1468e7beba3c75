"""What any run of tests needs: plugins of pytest, waiting, programs of this machine, the project's folder."""
