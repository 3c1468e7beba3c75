"""Overviews for pages: names behind identifiers, a patient's requests, the state of worklist rows, a history."""
