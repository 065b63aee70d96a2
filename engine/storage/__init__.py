"""Tables, queries and migrations; knows no BPMN."""
