"""Inside the wall: what runs in a sandboxed process. Nothing outside believes what comes from here."""
