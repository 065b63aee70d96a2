"""Payment: a review above a limit, an error of the bank, and a sub-process with a time limit."""
