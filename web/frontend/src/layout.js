// Where shapes stand that a file says nothing about: for display only, the file stays as it is.
//
// bpmn-auto-layout lays out one process. What it leaves out is added here: pools around several processes, message
// flows, artifacts, data, and whatever a diagram with gaps does not say.
import { layoutProcess } from 'bpmn-auto-layout';
import { BpmnModdle } from 'bpmn-moddle';

const GAP_PX = 40;
const POOL_MARGIN = { left: 70, rest: 40 };
const ROW_PX = 900; // what the file left out stands in rows as wide as this
const SIZES = [
  [/Event$/, 36, 36],
  [/Gateway$/, 50, 50],
  [/^bpmn:DataObjectReference$/, 36, 50],
  [/^bpmn:DataStoreReference$/, 50, 50],
  [/^bpmn:TextAnnotation$/, 160, 50],
  [/./, 100, 80],
];
const NODES = /^bpmn:(?!Choreography)\w*(Event|Gateway|Task|CallActivity|SubProcess|Transaction|Reference|TextAnnotation)$/; // bpmn-js draws no choreographies

/** Give the XML with a place for all that can be drawn; null when nothing lacks one, or nothing can be drawn. */
export async function layout(xml) {
  const moddle = new BpmnModdle();
  const { rootElement: definitions } = await moddle.fromXML(xml);
  const sheet = new Sheet(moddle, definitions);
  if (!sheet.plane) await drawAll(sheet, xml);
  else sheet.fillGaps();
  if (!sheet.isChanged) return null;
  return (await moddle.toXML(definitions)).xml;
}

async function drawAll(sheet, xml) {
  const roots = sheet.definitions.rootElements ?? [];
  const processes = roots.filter(({ $type }) => $type === 'bpmn:Process');
  const collaboration = roots.find(({ $type, participants }) => $type === 'bpmn:Collaboration' && participants?.length);
  sheet.begin(collaboration ?? processes[0]);
  const pools = collaboration ? collaboration.participants : processes.map((processRef) => ({ processRef }));
  let top = 0;
  for (const pool of pools) {
    const content = pool.processRef ? await sheet.process(pool.processRef, xml, top) : null;
    if (pool.$type) top = sheet.pool(pool, content, top);
    else if (content) top = content.bottom + GAP_PX;
  }
  for (const flow of collaboration?.messageFlows ?? []) sheet.line(flow);
}

/** The picture of a file: what stands where, in moddle's words. */
class Sheet {
  constructor(moddle, definitions) {
    this.moddle = moddle;
    this.definitions = definitions;
    this.plane = definitions.diagrams?.[0]?.plane;
    this.isChanged = false;
    this.drawn = new Map();
    for (const { plane } of definitions.diagrams ?? []) {
      for (const each of plane?.planeElement ?? []) if (each.bpmnElement) this.drawn.set(each.bpmnElement, each);
    }
  }

  begin(root) {
    if (!root) return;
    this.plane = this.moddle.create('bpmndi:BPMNPlane', { id: 'laid_out_plane', bpmnElement: root, planeElement: [] });
    this.plane.$parent = this.moddle.create('bpmndi:BPMNDiagram', { id: 'laid_out', plane: this.plane });
    this.definitions.diagrams = [this.plane.$parent];
  }

  /** Lay out one process below `top`. Gives the box that it fills. */
  async process(process, xml, top) {
    const found = await laidOut(xml, process.id);
    const elements = new Map(everything(process).map((each) => [each.id, each]));
    for (const { bpmnElement, bounds, waypoint, isExpanded } of found) {
      const element = elements.get(bpmnElement?.id);
      if (element && bounds && NODES.test(element.$type)) this.shape(element, bounds, { isExpanded });
      else if (element && waypoint) this.edge(element, waypoint);
    }
    this.complete(process);
    const own = everything(process).map((each) => this.drawn.get(each)).filter(Boolean);
    const box = around(own);
    const [dx, dy] = [POOL_MARGIN.left - box.left, top + POOL_MARGIN.rest - box.top];
    own.forEach((each) => move(each, dx, dy));
    return { ...box, left: box.left + dx, right: box.right + dx, top: box.top + dy, bottom: box.bottom + dy };
  }

  /** Draw a pool around its content, or an empty one. Gives where the next may begin. */
  pool(participant, content, top) {
    const [width, height] = content ? [content.right + POOL_MARGIN.rest, content.bottom + POOL_MARGIN.rest - top] : [600, 60];
    this.shape(participant, { x: 0, y: top, width, height }, { isHorizontal: true }, 0);
    return top + height + GAP_PX;
  }

  /** Add what a diagram that is there says nothing about. */
  fillGaps() {
    const roots = this.definitions.rootElements ?? [];
    for (const root of roots.filter(({ $type }) => $type === 'bpmn:Process')) {
      if (this.isShown(root)) this.complete(root);
    }
    for (const { messageFlows = [] } of roots.filter(({ $type }) => $type === 'bpmn:Collaboration')) {
      messageFlows.forEach((flow) => this.drawn.has(flow) || this.line(flow));
    }
  }

  /** Whether the inside of a scope is on a plane: by itself, by its pool, or by what it holds. */
  isShown(scope) {
    const isOpen = this.drawn.get(scope)?.isExpanded || this.plane.bpmnElement === scope;
    return isOpen || children(scope).some((each) => this.drawn.has(each));
  }

  complete(scope) {
    const box = around([...this.drawn.values()].filter((each) => each.$parent === this.plane));
    let [x, y] = [box.left, box.bottom + GAP_PX];
    for (const node of children(scope).filter((each) => NODES.test(each.$type) && !this.drawn.has(each))) {
      const host = this.drawn.get(node.attachedToRef);
      const [width, height] = sizeOf(node);
      if (host) this.shape(node, { x: host.bounds.x + 20, y: host.bounds.y + host.bounds.height - 18, width, height });
      else {
        this.shape(node, { x, y, width, height }, {});
        x += width + GAP_PX;
        if (x > box.left + ROW_PX) [x, y] = [box.left, y + 80 + GAP_PX];
      }
    }
    for (const inner of children(scope)) if (inner.flowElements && this.isShown(inner)) this.complete(inner);
    for (const each of children(scope)) {
      this.line(each);
      const data = [...(each.dataInputAssociations ?? []), ...(each.dataOutputAssociations ?? [])];
      data.forEach((association) => this.line(association, each));
    }
  }

  shape(bpmnElement, { x, y, width, height }, more = {}, at = this.plane.planeElement.length) {
    const bounds = this.moddle.create('dc:Bounds', { x, y, width, height });
    const shown = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
    this.add(this.moddle.create('bpmndi:BPMNShape', { bpmnElement, bounds, ...shown }), at);
  }

  edge(bpmnElement, points) {
    const waypoint = points.map(({ x, y }) => this.moddle.create('dc:Point', { x, y }));
    this.add(this.moddle.create('bpmndi:BPMNEdge', { bpmnElement, waypoint }), this.plane.planeElement.length);
  }

  add(drawn, at) {
    drawn.$parent = this.plane;
    drawn.id = `laid_out_${this.drawn.size}`;
    this.plane.planeElement ??= [];
    this.plane.planeElement.splice(at, 0, drawn);
    this.drawn.set(drawn.bpmnElement, drawn);
    this.isChanged = true;
  }

  /** Connect what a flow or association names, straight, when both are drawn. */
  line(connection, owner) {
    if (this.drawn.has(connection)) return;
    const [source] = [connection.sourceRef].flat();
    const ends = [source ?? owner, connection.targetRef ?? owner].map((each) => this.drawn.get(each)?.bounds);
    if (!ends[0] || !ends[1] || ends[0] === ends[1]) return;
    const [from, to] = ends.map(middle);
    this.edge(connection, [border(ends[0], to), border(ends[1], from)]);
  }
}

/** One process as bpmn-auto-layout draws it, with the insides of its sub-processes; nothing when it cannot. */
async function laidOut(xml, id) {
  const moddle = new BpmnModdle();
  const { rootElement: definitions } = await moddle.fromXML(xml);
  const isOther = ({ $type, id: other }) => $type === 'bpmn:Collaboration' || ($type === 'bpmn:Process' && other !== id);
  definitions.rootElements = definitions.rootElements.filter((root) => !isOther(root));
  const process = definitions.rootElements.find(({ $type }) => $type === 'bpmn:Process');
  connect(process);
  const open = everything(process).filter(({ flowElements }) => flowElements?.length);
  definitions.diagrams = [expanding(moddle, process, open)];
  try {
    const drawn = await layoutProcess((await moddle.toXML(definitions)).xml);
    const { rootElement } = await new BpmnModdle().fromXML(drawn);
    return rootElement.diagrams?.[0]?.plane?.planeElement ?? [];
  } catch (error) {
    console.warn(error); // all of it is put in rows then
    return [];
  }
}

/** bpmn-auto-layout follows what nodes say of their flows, which they need not say. */
function connect(process) {
  const elements = everything(process);
  const nodes = new Set(elements.filter(({ $type }) => NODES.test($type)));
  for (const node of nodes) node.incoming = node.outgoing = undefined;
  for (const flow of elements.filter(({ $type }) => $type === 'bpmn:SequenceFlow')) {
    if (!nodes.has(flow.sourceRef) || !nodes.has(flow.targetRef)) continue; // a reference that leads elsewhere
    flow.sourceRef.outgoing = [...(flow.sourceRef.outgoing ?? []), flow];
    flow.targetRef.incoming = [...(flow.targetRef.incoming ?? []), flow];
  }
}

/** bpmn-auto-layout asks the old picture which sub-processes are open: all of them. */
function expanding(moddle, process, open) {
  const planeElement = open.map((bpmnElement, number) => {
    const bounds = moddle.create('dc:Bounds', { x: 0, y: 0, width: 100, height: 80 });
    return moddle.create('bpmndi:BPMNShape', { id: `open_${number}`, bpmnElement, bounds, isExpanded: true });
  });
  const plane = moddle.create('bpmndi:BPMNPlane', { bpmnElement: process, planeElement });
  return moddle.create('bpmndi:BPMNDiagram', { plane });
}

// ---- elements and places -------------------------------------------------------------------------------------------

function children({ flowElements = [], artifacts = [] }) {
  return [...flowElements, ...artifacts];
}

function everything(scope) {
  return children(scope).flatMap((each) => [each, ...everything(each)]);
}

function sizeOf({ $type }) {
  const [, width, height] = SIZES.find(([pattern]) => pattern.test($type));
  return [width, height];
}

function around(drawn) {
  const corners = drawn.flatMap(({ bounds, waypoint }) =>
    bounds ? [bounds, { x: bounds.x + bounds.width, y: bounds.y + bounds.height }] : waypoint ?? [],
  );
  if (!corners.length) return { left: 0, right: 0, top: 0, bottom: 0 };
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  return { left: min(xs), right: -min(xs.map((x) => -x)), top: min(ys), bottom: -min(ys.map((y) => -y)) };
}

function min(numbers) {
  return numbers.reduce((least, each) => Math.min(least, each), Infinity);
}

function move({ bounds, waypoint = [] }, dx, dy) {
  for (const point of bounds ? [bounds] : waypoint) {
    point.x += dx;
    point.y += dy;
  }
}

function middle({ x, y, width, height }) {
  return { x: x + width / 2, y: y + height / 2 };
}

/** Where the line from the middle of a box to a point leaves the box. */
function border(box, to) {
  const from = middle(box);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const part = Math.min(dx ? box.width / 2 / Math.abs(dx) : Infinity, dy ? box.height / 2 / Math.abs(dy) : Infinity, 1);
  return { x: from.x + dx * part, y: from.y + dy * part };
}
