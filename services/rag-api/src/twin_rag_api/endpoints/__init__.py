"""One file a resource; each turns HTTP into a call and an answer into HTTP."""
