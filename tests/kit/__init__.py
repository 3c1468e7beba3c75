"""Support for tests. A folder of tests imports the kit and itself alone, and nothing here imports a folder of tests.

The folders are floors: a module imports modules of its own floor or of lower ones. `tests/checks/structure.py` holds
this, and has the floors in their order:

- `run`: what any run needs, plugins of pytest among it;
- `documents`: OpenAPI documents, published examples, PDFs;
- `service`: the service, its people, their requests and clocks;
- `store`: stores, what is put into them and read there past the service;
- `pas`: a small Patient Administration System;
- `files`: files and letters, and where they are kept;
- `referrals`: people and referrals in each state, and the acts on them;
- `calls`: every call of every operation, what it is answered and how it is spoilt;
- `examples`: the example of each operation, and the parts of its page that show it.
"""
