"""What every view shares: the role gate, the error map, pages, forms, security headers."""
