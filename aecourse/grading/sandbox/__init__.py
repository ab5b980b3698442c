"""Outside the wall: starts sandboxed processes and speaks with them; believes nothing that they say."""
