"""Upload checks: one module per family, each yielding Problem values."""
