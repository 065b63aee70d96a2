"""Webhooks: messages and signals that services outside send, signed, and read as an administrator has said."""

from engine.webhooks.model import Delivery, Expressions, Outcome, Parts, Scheme, Target, Webhook

__all__ = ["Delivery", "Expressions", "Outcome", "Parts", "Scheme", "Target", "Webhook"]
