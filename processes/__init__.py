"""Examples: one folder each, with its diagram, forms, services, and a README that says what it shows."""
