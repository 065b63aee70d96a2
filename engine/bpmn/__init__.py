"""BPMN: reading, checking and stepping diagrams; the only folder that imports SpiffWorkflow or lxml."""
