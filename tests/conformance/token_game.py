"""Random processes of tasks and gateways, and an independent token game to hold the engine against.

The game knows nodes and flows only. A token lies on a flow; the oldest token that can move moves. It shares no code
with the engine, nor the engine's idea of a tree.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

NAMESPACE = "http://www.omg.org/spec/BPMN/20100524/MODEL"
TAGS = {"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway", "task": "userTask"}


@dataclass
class Graph:
    """nodes: id -> kind (start, end, task, xor, and, or); flows: (id, source, target) in the order of the file."""

    nodes: dict[str, str] = field(default_factory=dict)
    flows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, kind: str) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes[name] = kind
        return name

    def flow(self, source: str, target: str) -> str:
        name = f"flow{len(self.flows)}"
        self.flows.append((name, source, target))
        return name

    def leaving(self, node: str) -> list[str]:
        return [name for name, source, _ in self.flows if source == node]

    def entering(self, node: str) -> list[str]:
        return [name for name, _, target in self.flows if target == node]

    def xml(self) -> bytes:
        body = "".join(self._node(name, kind) for name, kind in self.nodes.items())
        body += "".join(self._flow(*flow) for flow in self.flows)
        process = f'<process id="random" isExecutable="true">{body}</process>'
        return f'<definitions xmlns="{NAMESPACE}" targetNamespace="random">{process}</definitions>'.encode()

    def _node(self, name: str, kind: str) -> str:
        if kind in ("start", "end"):
            return f'<{kind}Event id="{name}"/>'
        default = f' default="{self.leaving(name)[-1]}"' if self._decides(name) else ""
        return f'<{TAGS[kind]} id="{name}"{default}/>'

    def _flow(self, name: str, source: str, target: str) -> str:
        last = self.leaving(source)[-1]
        asks = self._decides(source) and name != last
        condition = f"<conditionExpression>{name}_of_{source}</conditionExpression>" if asks else ""
        return f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>'

    def _decides(self, node: str) -> bool:
        return self.nodes[node] in ("xor", "or") and len(self.leaving(node)) > 1


def random_graph(seed: int, size: int = 9) -> Graph:
    """Blocks in blocks (sequence, and, xor, or, loop), then now and then a flow across that makes it unstructured."""
    dice, graph = random.Random(seed), Graph()
    start, end = graph.add("start"), graph.add("end")
    entry, leave = _block(graph, dice, size)
    graph.flow(start, entry)
    graph.flow(leave, end)
    splits = [n for n, kind in graph.nodes.items() if kind == "xor" and len(graph.leaving(n)) > 1]
    merges = [n for n, kind in graph.nodes.items() if kind in ("xor", "or") and len(graph.entering(n)) > 1]
    if splits and merges and dice.random() < 0.4:
        graph.flow(dice.choice(splits), dice.choice(merges))
    return graph


def _block(graph: Graph, dice: random.Random, size: int) -> tuple[str, str]:
    """Gives the first and the last node."""
    kind = dice.choice(["task", "sequence", "sequence", "xor", "and", "or", "loop"]) if size > 1 else "task"
    if kind == "task":
        task = graph.add("task")
        return task, task
    if kind == "sequence":
        first, second = _block(graph, dice, size // 2), _block(graph, dice, size // 2)
        graph.flow(first[1], second[0])
        return first[0], second[1]
    if kind == "loop":
        merge, split = graph.add("xor"), graph.add("xor")
        entry, leave = _block(graph, dice, size - 1)
        graph.flow(merge, entry)
        graph.flow(leave, split)
        graph.flow(split, merge)
        out = graph.add("xor")
        graph.flow(split, out)
        return merge, out
    split, join = graph.add(kind), graph.add(kind)
    for _ in range(dice.choice([2, 2, 3])):
        entry, leave = _block(graph, dice, size // 2)
        graph.flow(split, entry)
        graph.flow(leave, join)
    return split, join


class Choices:
    """What the conditions say: the same to whoever asks in the same order at one gateway."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def is_true(self, flow: str, gateway: str) -> bool:
        self._asked[flow] += 1
        return random.Random(f"{self._seed} {flow} {gateway} {self._asked[flow]}").random() < 0.5


@dataclass
class Token:
    number: int
    flow: str | None
    """None: at work in a task."""
    node: str


class Game:
    """Plays a graph; after each move it is at rest: every token is at work in a task or cannot move."""

    def __init__(self, graph: Graph, seed: int) -> None:
        self.graph, self.choices = graph, Choices(seed)
        self._numbers = count()
        self.tokens: list[Token] = []
        start = next(name for name, kind in graph.nodes.items() if kind == "start")
        self._send(graph.leaving(start))
        self._play()

    @property
    def tasks(self) -> list[str]:
        return sorted(token.node for token in self.tokens if token.flow is None)

    @property
    def is_over(self) -> bool:
        return not self.tokens

    def complete(self, task: str) -> None:
        token = next(token for token in self.tokens if token.flow is None and token.node == task)
        self.tokens.remove(token)
        self._send(self.graph.leaving(task))
        self._play()

    def _send(self, flows: list[str]) -> None:
        targets = {name: target for name, _, target in self.graph.flows}
        self.tokens += [Token(next(self._numbers), flow, targets[flow]) for flow in flows]

    def _play(self) -> None:
        for _ in range(2_000):
            token = next((t for t in self.tokens if t.flow and self._may_move(t)), None)
            token = token or next((t for t in self.tokens if t.flow and self._may_join(t)), None)
            if token is None:
                return
            self._move(token)
        raise OverflowError("the game does not come to rest")

    def _may_move(self, token: Token) -> bool:
        kind, entering = self.graph.nodes[token.node], self.graph.entering(token.node)
        if len(entering) < 2 or kind in ("xor", "task", "end"):
            return True
        return kind == "and" and {t.flow for t in self._before(token.node)} == set(entering)

    def _may_join(self, token: Token) -> bool:
        """The inclusive join: no token elsewhere can reach an empty flow, unless it can reach a filled one too."""
        if self.graph.nodes[token.node] != "or":
            return False
        filled = {t.flow for t in self._before(token.node)}
        empty = set(self.graph.entering(token.node)) - filled
        others = [t for t in self.tokens if t.node != token.node or t.flow is None]
        return not any(self._holds_up(t.node, token.node, empty, filled) for t in others)

    def _holds_up(self, node: str, gateway: str, empty: set[str], filled: set[str | None]) -> bool:
        reached = self._reached(node, gateway)
        return bool(reached & empty) and not reached & filled

    def _reached(self, node: str, gateway: str) -> set[str]:
        found: set[str] = set()
        edge = set() if node == gateway else set(self.graph.leaving(node))
        while edge:
            found |= edge
            targets = {target for name, _, target in self.graph.flows if name in edge} - {gateway}
            edge = {name for target in targets for name in self.graph.leaving(target)} - found
        return found

    def _before(self, node: str) -> list[Token]:
        return [token for token in self.tokens if token.node == node and token.flow]

    def _move(self, token: Token) -> None:
        kind, leaving = self.graph.nodes[token.node], self.graph.leaving(token.node)
        if kind == "task":
            token.flow = None
            return
        self._consume(token, kind)
        self._send(
            {"end": lambda: [], "and": lambda: leaving}.get(kind, lambda: self._chosen(token.node, kind, leaving))()
        )

    def _consume(self, token: Token, kind: str) -> None:
        """One token of each flow at a join, else this one."""
        if kind not in ("and", "or") or len(self.graph.entering(token.node)) < 2:
            self.tokens.remove(token)
            return
        oldest: dict[str | None, Token] = {}
        for waiting in self._before(token.node):
            oldest.setdefault(waiting.flow, waiting)
        for waiting in oldest.values():
            self.tokens.remove(waiting)

    def _chosen(self, node: str, kind: str, leaving: list[str]) -> list[str]:
        *asked, default = leaving
        if kind == "xor":
            return [next((flow for flow in asked if self.choices.is_true(flow, node)), default)]
        true = [flow for flow in asked if self.choices.is_true(flow, node)]
        return true or [default]
