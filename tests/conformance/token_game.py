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
TAGS = {
    "xor": "exclusiveGateway",
    "and": "parallelGateway",
    "or": "inclusiveGateway",
    "complex": "complexGateway",
    "task": "userTask",
}


@dataclass
class Graph:
    """nodes: id -> kind (start, end, task, xor, and, or, complex); flows: (id, source, target), in the file's order.

    needs: tokens that a task or complex gateway needs; gives: tokens that a task sends along each flow.
    """

    nodes: dict[str, str] = field(default_factory=dict)
    needs: dict[str, int] = field(default_factory=dict)
    gives: dict[str, int] = field(default_factory=dict)
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
        if kind == "complex":
            condition = f"<activationCondition>activationCount &gt;= {self.needs[name]}</activationCondition>"
            return f'<complexGateway id="{name}">{condition}</complexGateway>'
        told = f' default="{self.leaving(name)[-1]}"' if self._decides(name) else ""
        told += f' startQuantity="{self.needs[name]}"' if name in self.needs else ""
        told += f' completionQuantity="{self.gives[name]}"' if name in self.gives else ""
        return f'<{TAGS[kind]} id="{name}"{told}/>'

    def _flow(self, name: str, source: str, target: str) -> str:
        last = self.leaving(source)[-1]
        asks = self._decides(source) and name != last
        condition = f"<conditionExpression>{name}_of_{source}</conditionExpression>" if asks else ""
        return f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>'

    def _decides(self, node: str) -> bool:
        return self.nodes[node] in ("xor", "or") and len(self.leaving(node)) > 1


def random_graph(seed: int, size: int = 9) -> Graph:
    """Blocks in blocks (sequence, and, xor, or, complex, loop), then now and then a flow across: it is unstructured."""
    dice, graph = random.Random(seed), Graph()
    start, end = graph.add("start"), graph.add("end")
    entry, leave = _block(graph, dice, size)
    graph.flow(start, entry)
    graph.flow(leave, end)
    splits = [n for n, kind in graph.nodes.items() if kind == "xor" and len(graph.leaving(n)) > 1]
    merges = [n for n, kind in graph.nodes.items() if kind in _MERGES and len(graph.entering(n)) > 1]
    if splits and merges and dice.random() < 0.4:
        graph.flow(dice.choice(splits), dice.choice(merges))
    return graph


_MERGES = ("xor", "or", "complex")
_BLOCKS = ["task", "sequence", "sequence", "xor", "and", "or", "loop", "complex"]


def _block(graph: Graph, dice: random.Random, size: int) -> tuple[str, str]:
    """Gives the first and the last node."""
    kind = dice.choice(_BLOCKS) if size > 1 else "task"
    if kind == "task":
        task = graph.add("task")
        for quantities in (graph.needs, graph.gives):
            if dice.random() < 0.04:
                quantities[task] = 2
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
    split, join = graph.add(dice.choice(["and", "or"]) if kind == "complex" else kind), graph.add(kind)
    branches = dice.choice([2, 2, 3])
    if kind == "complex":
        graph.needs[join] = dice.randint(1, branches)
    for _ in range(branches):
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
        self.rounds: dict[str, set[str | None]] = {}
        """Complex gateway that has fired and waits for the rest -> the flows it took tokens from."""
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
        self._send(self.graph.leaving(task) * self.graph.gives.get(task, 1))
        self._play()

    def _send(self, flows: list[str]) -> None:
        targets = {name: target for name, _, target in self.graph.flows}
        self.tokens += [Token(next(self._numbers), flow, targets[flow]) for flow in flows]

    def _play(self) -> None:
        for _ in range(2_000):
            token = next((t for t in self.tokens if t.flow and self._may_move(t)), None)
            if token is not None:
                self._move(token)
                continue
            join = next((node for node in self.graph.nodes if self._may_join(node)), None)
            if join is None:
                return
            self._join(join)
        raise OverflowError("the game does not come to rest")

    def _may_move(self, token: Token) -> bool:
        kind, entering = self.graph.nodes[token.node], self.graph.entering(token.node)
        if token.node in self.graph.needs:
            return token.node not in self.rounds and len(self._before(token.node)) >= self.graph.needs[token.node]
        if len(entering) < 2 or kind in ("xor", "task", "end"):
            return True
        return kind == "and" and {t.flow for t in self._before(token.node)} == set(entering)

    def _may_join(self, node: str) -> bool:
        """The inclusive join: no token elsewhere can reach an empty flow, unless it can reach a filled one too.

        So does the complex one end a round, over the flows that nothing was taken from when it began.
        """
        filled = {t.flow for t in self._before(node)} - self.rounds.get(node, set())
        if node not in self.rounds and not (self.graph.nodes[node] == "or" and filled):
            return False
        empty = set(self.graph.entering(node)) - filled - self.rounds.get(node, set())
        others = [t for t in self.tokens if t.node != node or t.flow is None]
        return not any(self._holds_up(t.node, node, empty, filled) for t in others)

    def _join(self, node: str) -> None:
        if node not in self.rounds:
            return self._move(self._before(node)[0])
        taken = self.rounds.pop(node)
        return self._take_oldest(node, [token for token in self._before(node) if token.flow not in taken])

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
            for consumed in self._before(token.node)[: self.graph.needs.get(token.node, 1)]:
                self.tokens.remove(consumed)
            self.tokens.append(Token(token.number, None, token.node))
            return
        self._consume(token, kind)
        self._send(
            {"end": lambda: [], "and": lambda: leaving, "complex": lambda: leaving}.get(
                kind, lambda: self._chosen(token.node, kind, leaving)
            )()
        )

    def _consume(self, token: Token, kind: str) -> None:
        """One token of each flow at a join, else this one."""
        if kind not in ("and", "or", "complex") or len(self.graph.entering(token.node)) < 2:
            self.tokens.remove(token)
            return
        before = self._before(token.node)
        if kind == "complex":
            self.rounds[token.node] = {waiting.flow for waiting in before}
        self._take_oldest(token.node, before)

    def _take_oldest(self, node: str, waiting: list[Token]) -> None:
        """One of each flow."""
        oldest: dict[str | None, Token] = {}
        for token in waiting:
            oldest.setdefault(token.flow, token)
        for token in oldest.values():
            self.tokens.remove(token)

    def _chosen(self, node: str, kind: str, leaving: list[str]) -> list[str]:
        *asked, default = leaving
        if kind == "xor":
            return [next((flow for flow in asked if self.choices.is_true(flow, node)), default)]
        true = [flow for flow in asked if self.choices.is_true(flow, node)]
        return true or [default]
