"""What an operator watches: the log, metrics, traces and probes. Nothing here changes what the engine does."""
