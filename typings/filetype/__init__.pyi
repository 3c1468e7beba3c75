"""What is used of filetype, which has no types of its own."""

class Type:
    extension: str

def guess(obj: bytes) -> Type | None: ...
