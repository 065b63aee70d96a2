"""What SpiffWorkflow lacks or gets wrong, one module per family of elements."""
