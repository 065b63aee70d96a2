"""Employee onboarding: services side by side, an error with a way back, a manager who is asked and reminded."""
