"""Support for tests. A test folder imports only itself and the kit; the kit imports no test folder.

The folders of the kit are layers: a module imports only modules of its own layer or of lower ones.
`tests/checks/structure.py` enforces this order, from the lowest layer to the highest:

- `run`: support for any test run, such as pytest plugins;
- `web`: checks of a page in a browser;
- `documents`: OpenAPI documents, published examples, PDFs;
- `service`: the service under test, its users, their requests and clocks;
- `store`: databases, their test data, and direct access to them;
- `pas`: a small Patient Administration System (PAS);
- `files`: files, letters, and the places where files are stored;
- `referrals`: users, referrals in each state, and the acts on them;
- `calls`: each call of each operation, its expected response, and ways to make it invalid;
- `examples`: the example of each operation, and the parts of its page that show it.
"""
