// A diagram to look at: states and tokens of an instance on it, the way taken, one element marked.
//
//   data-src        the diagram's XML
//   data-state      JSON {elements: {id: state}, counts: {id: tokens}, flows: [id]}; optional
//   data-refresh    seconds after which the state is read again; optional
//   data-highlight  id of an element to mark; optional
//   data-marks      selector of a list of problems (marks.js); optional
//
// Fires "bpmn:select" {id, type, name} when an element is clicked, and marks what carries its id in data-element.
import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import './viewer.css';
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { markProblems } from './marks.js';
import { say } from './message.js';
import { panByFingers, panByKeys } from './pan.js';

const SVG = 'http://www.w3.org/2000/svg';
const MARGIN_PX = 24;
const READABLE_SCALE = 0.3; // below it one element is shown large instead of the whole diagram
const LARGE_SCALE = 0.9;
const ZOOM_STEP = 1.25;
const STATES = { active: 'waits here', completed: 'done', incident: 'stopped', cancelled: 'cancelled' };

const asGround = (colour) => `light-dark(${colour}, color-mix(in oklab, ${colour} 25%, #1c1f26))`;
const asLine = (colour) => `light-dark(${colour}, color-mix(in oklab, ${colour} 25%, white))`;
const COLOURS = {
  'bioc:fill': asGround,
  'color:background-color': asGround,
  'bioc:stroke': asLine,
  'color:border-color': asLine,
  'color:color': asLine,
};

export async function mount(element) {
  const { canvas, viewer } = build(element);
  const [xml, state] = await Promise.all([read(element.dataset.src, 'text'), readState(element)]);
  const isLaidOut = await draw(viewer, element, xml);
  if (isLaidOut === null) return;
  showState(viewer, state);
  showHighlight(viewer, element.dataset.highlight);
  const view = frame(viewer, element.dataset.highlight || attentionPoint(state));
  element.append(footer(view, { hasStates: Boolean(element.dataset.state), isLaidOut }));
  onSelect(viewer, element);
  panByKeys(canvas, viewer.get('canvas'));
  panByFingers(canvas, viewer.get('canvas'));
  keepFitting(canvas, viewer, view);
  keepCurrent(viewer, element);
  const problems = element.dataset.marks && document.querySelector(element.dataset.marks);
  if (problems) markProblems(viewer, problems, showIn(element, view));
}

/** Bring a shape to the middle of the diagram, and the diagram into the window. */
function showIn(element, view) {
  return (shape) => {
    element.scrollIntoView({ block: 'nearest' });
    view.show(shape);
  };
}

// ---- drawing -------------------------------------------------------------------------------------------------------

function build(element) {
  const canvas = document.createElement('div');
  canvas.className = 'viewer-canvas';
  // The wheel scrolls the page; with Ctrl it zooms the diagram.
  canvas.addEventListener('wheel', keepFromDiagram, { capture: true });
  element.replaceChildren(canvas);
  const viewer = new NavigatedViewer({
    container: canvas,
    bpmnRenderer: { defaultFillColor: 'var(--diagram-fill)', defaultStrokeColor: 'var(--diagram-stroke)' },
  });
  viewer.on('import.render.start', ({ definitions }) => adaptColours(definitions));
  return { canvas, viewer };
}

/** What its author coloured stays so in the light; in the dark, grounds are darkened and lines lightened. */
function adaptColours({ diagrams = [] }) {
  const drawn = diagrams.flatMap(({ plane }) => plane?.planeElement ?? []);
  for (const shape of drawn.flatMap((each) => (each.label ? [each, each.label] : [each]))) {
    for (const [name, adapted] of Object.entries(COLOURS)) {
      const colour = shape.get(name);
      if (colour) shape.set(name, adapted(colour));
    }
  }
}

function keepFromDiagram(event) {
  if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
}

/**
 * Draw the diagram; what has no place in the file is laid out. Gives whether anything was; null when it cannot be drawn,
 * which is then said in its place.
 */
async function draw(viewer, element, xml) {
  try {
    const laidOut = hasGaps(xml) ? await layOut(xml) : null;
    await viewer.importXML(laidOut ?? xml);
    return laidOut !== null;
  } catch (error) {
    viewer.destroy();
    say(element, explain(error));
    return null;
  }
}

/** The file with places for all; null when it has them, or when it is too odd for that. */
async function layOut(xml) {
  const { layout } = await import('./layout.js');
  try {
    return await layout(xml);
  } catch (error) {
    console.warn(error); // what the file says itself is shown then
    return null;
  }
}

const DRAWN = /[\w-]*(task|event|gateway|subProcess|transaction|callActivity|sequenceFlow)$/i;

/** Whether something that is always drawn has no place: the layout, which is loaded then, looks closer. */
function hasGaps(xml) {
  const parsed = new DOMParser().parseFromString(xml, 'application/xml');
  const elements = [...parsed.getElementsByTagName('*')];
  const placed = new Set(elements.map((each) => each.getAttribute('bpmnElement')?.split(':').pop()));
  return elements.some((each) => each.id && DRAWN.test(each.localName) && !placed.has(each.id));
}

function explain(error) {
  return /no diagram to display/i.test(error.message)
    ? 'This file holds no picture, only the logic of the process: its elements are listed in words.'
    : 'This diagram cannot be drawn. Download the file to see it in a modeler.';
}

async function read(url, kind) {
  const accept = { text: 'application/xml, text/xml', json: 'application/json' }[kind];
  const response = await fetch(url, { headers: { Accept: accept } });
  if (!response.ok) throw new Error(`Expected ${url} to answer, but it said ${response.status}.`);
  return kind === 'text' ? decode(await response.arrayBuffer()) : response[kind]();
}

/** XML in the encoding that it says itself, as the engine reads it. */
function decode(bytes) {
  const beginning = new TextDecoder('latin1').decode(bytes.slice(0, 200));
  const mark = { 'ÿþ': 'utf-16le', 'þÿ': 'utf-16be' }[beginning.slice(0, 2)];
  const [, told] = beginning.match(/^<\?xml[^>]*?encoding=["']([\w-]+)/) ?? [];
  return new TextDecoder(mark ?? told ?? 'utf-8').decode(bytes);
}

function readState(element) {
  return element.dataset.state ? read(element.dataset.state, 'json') : {};
}

// ---- states --------------------------------------------------------------------------------------------------------

function showState(viewer, { elements = {}, counts = {}, flows = [] }) {
  clearState(viewer);
  const known = ([id]) => viewer.get('elementRegistry').get(id);
  const markers = [
    ...Object.entries(elements).map(([id, state]) => [id, `state-${state}`]),
    ...flows.map((id) => [id, 'flow-taken']),
  ].filter(known);
  for (const [id, marker] of markers) viewer.get('canvas').addMarker(id, marker);
  for (const [id, count] of Object.entries(counts).filter(known)) addBadge(viewer, id, count, elements[id]);
  viewer.shown = markers;
}

function clearState(viewer) {
  for (const [id, marker] of viewer.shown ?? []) viewer.get('canvas').removeMarker(id, marker);
  viewer.get('overlays').remove({ type: 'tokens' });
}

function addBadge(viewer, id, count, state) {
  const badge = document.createElement('span');
  badge.className = `token-count token-count-${state}`;
  badge.textContent = count;
  badge.title = count === 1 ? 'One token is here' : `${count} tokens are here`;
  viewer.get('overlays').add(id, 'tokens', { position: { top: -14, right: 14 }, scale: { min: 0.8 }, html: badge });
}

/** Read the state again from time to time, while the page is looked at and still holds the diagram. */
function keepCurrent(viewer, element) {
  const seconds = Number(element.dataset.refresh);
  if (!element.dataset.state || !seconds) return;
  const timer = setInterval(async () => {
    if (!element.isConnected) return clearInterval(timer);
    if (document.hidden) return;
    try {
      showState(viewer, await readState(element));
    } catch (error) {
      console.warn(error); // the picture stays as it is; the next try may succeed
    }
  }, seconds * 1000);
}

// ---- one element ---------------------------------------------------------------------------------------------------

function showHighlight(viewer, id) {
  const element = id && viewer.get('elementRegistry').get(id);
  if (!element) return;
  const canvas = viewer.get('canvas');
  canvas.setRootElement(canvas.findRoot(element)); // it may be inside a collapsed sub-process
  canvas.addMarker(element, 'highlight');
}

function onSelect(viewer, container) {
  viewer.get('eventBus').on('element.click', ({ element }) => {
    const { id, type, businessObject } = element;
    markPartners(id);
    container.dispatchEvent(
      new CustomEvent('bpmn:select', { bubbles: true, detail: { id, type, name: businessObject.name ?? '' } }),
    );
  });
}

/** Mark the table rows that tell about the element. */
function markPartners(id) {
  for (const partner of document.querySelectorAll('[data-element]')) {
    partner.classList.toggle('table-active', partner.dataset.element === id);
  }
}

// ---- the visible part ----------------------------------------------------------------------------------------------

/** The element to look at first where not all can be seen. */
function attentionPoint({ elements = {} }) {
  const inState = (wanted) => Object.keys(elements).find((id) => elements[id] === wanted);
  return inState('incident') ?? inState('active');
}

/** Give the ways to change the visible part; starts with the whole diagram, or one element (focusId) of a large one. */
function frame(viewer, focusId) {
  const canvas = viewer.get('canvas');
  const fit = () => {
    const { inner, outer } = canvas.viewbox();
    const scale = Math.min(1, outer.width / (inner.width + 2 * MARGIN_PX), outer.height / (inner.height + 2 * MARGIN_PX));
    canvas.viewbox(around(middle(inner), outer, scale));
    return scale;
  };
  const focused = focusId && viewer.get('elementRegistry').get(focusId);
  const begin = () => {
    const isTooSmall = fit() < READABLE_SCALE;
    if (isTooSmall && focused) canvas.viewbox(around(middle(focused), canvas.viewbox().outer, LARGE_SCALE));
  };
  begin();
  const view = { fit, begin, isMoved: false, zoom: (factor) => canvas.zoom(canvas.zoom() * factor) };
  view.show = (shape) => {
    const { outer, scale } = canvas.viewbox();
    view.isMoved = true;
    canvas.viewbox(around(middle(boxOf(shape)), outer, Math.max(scale, LARGE_SCALE)));
  };
  return view;
}

/** Of a flow: of all its corners. */
function boxOf(shape) {
  if (!shape.waypoints) return shape;
  const [xs, ys] = ['x', 'y'].map((axis) => shape.waypoints.map((point) => point[axis]));
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function middle({ x, y, width, height }) {
  return { x: x + width / 2, y: y + height / 2 };
}

function around({ x, y }, outer, scale) {
  const [width, height] = [outer.width / scale, outer.height / scale];
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** Show the same again when the box changes its size, until the person has moved the diagram. */
function keepFitting(box, viewer, view) {
  for (const kind of ['pointerdown', 'keydown', 'wheel']) {
    box.parentElement.addEventListener(kind, (event) => (view.isMoved ||= kind !== 'wheel' || event.ctrlKey), { capture: true, passive: true });
  }
  new ResizeObserver(() => {
    viewer.get('canvas').resized();
    if (!view.isMoved && box.clientWidth) view.begin();
  }).observe(box);
}

// ---- around the diagram --------------------------------------------------------------------------------------------

function footer(view, { hasStates, isLaidOut }) {
  const bar = document.createElement('div');
  bar.className = 'viewer-footer';
  if (hasStates) bar.append(legend());
  if (isLaidOut) bar.append(remark());
  bar.append(toolbar(view));
  return bar;
}

function remark() {
  const text = document.createElement('span');
  text.className = 'viewer-remark';
  text.textContent = 'The file does not say where everything stands: laid out here, for display only.';
  return text;
}

function toolbar({ fit, zoom }) {
  const bar = document.createElement('div');
  bar.className = 'viewer-toolbar btn-group';
  bar.setAttribute('role', 'group');
  bar.setAttribute('aria-label', 'Zoom');
  bar.append(
    tool('Zoom in', 'M8 3v10M3 8h10', () => zoom(ZOOM_STEP)),
    tool('Zoom out', 'M3 8h10', () => zoom(1 / ZOOM_STEP)),
    tool('Show the whole diagram', 'M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4', fit),
  );
  return bar;
}

function tool(label, outline, act) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'btn btn-sm';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.append(icon(outline));
  button.addEventListener('click', act);
  return button;
}

/** Draw lines in a box of 16 by 16. */
function icon(outline) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', outline);
  svg.append(path);
  return svg;
}

function legend() {
  const list = document.createElement('ul');
  list.className = 'viewer-legend';
  list.setAttribute('aria-label', 'Colours');
  for (const [state, text] of Object.entries(STATES)) {
    const item = document.createElement('li');
    item.className = `legend-${state}`;
    item.textContent = text;
    list.append(item);
  }
  return list;
}
