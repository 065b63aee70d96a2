"""Purchase approval: two levels in lanes, a reminder, and deputies who take over after a deadline."""
