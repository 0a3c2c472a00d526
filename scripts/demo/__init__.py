"""What `make demo` puts into a running Viva: invented campuses, people and sittings, all through the use cases."""
