"""Services of other companies, as the examples call them by HTTP: one Flask application that knows nothing of us."""
