"""What the end-to-end tests share: namespaces, stepped connections, the two routers, and comparing them."""
