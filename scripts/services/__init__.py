"""The embedded services and the process manager that `make up` and the tests start."""
