// Problems told in a list beside the diagram: marked on it, shown by a press on the list, found by a click in it.
//
//   <ol id="problems"><li data-problem="element id" data-severity="error"><button data-show>...</button></li>

const RANK = ['warning', 'error'];

/** Mark what the list tells of, and let both point at each other. show(shape) brings a shape into view. */
export function markProblems(viewer, list, show) {
  const shapes = shapesById(viewer);
  const items = [...list.querySelectorAll('[data-problem]')].map((item) => ({ item, shape: shapes(item.dataset.problem) }));
  for (const [shape, found] of grouped(items)) mark(viewer, shape, found);
  const select = selector(viewer, list);
  for (const { item, shape } of items) {
    const button = item.querySelector('[data-show]');
    if (shape) button?.addEventListener('click', () => select(item, shape, show));
    else if (button) leaveText(button);
  }
  viewer.on('element.click', ({ element }) => {
    const found = items.find(({ shape }) => shape && shape === element);
    if (found) select(found.item, found.shape);
  });
  const followHash = () => {
    const found = location.hash && items.find(({ item }) => `#${item.id}` === location.hash);
    if (found?.shape) select(found.item, found.shape, show);
  };
  window.addEventListener('hashchange', followHash);
  followHash();
}

/** The shape of an element by its id, or of the nearest element around it that has one; undefined for the whole. */
function shapesById(viewer) {
  const registry = viewer.get('elementRegistry');
  const roots = new Set(viewer.get('canvas').getRootElements());
  const drawn = (element) => {
    const shape = registry.get(element.id);
    if (shape && !roots.has(shape)) return shape;
    return registry.find(({ businessObject, id }) => businessObject?.processRef === element && id === businessObject.id);
  };
  const byId = index(viewer.getDefinitions());
  return (id) => {
    let element = byId.get(id);
    while (element && !drawn(element)) element = element.$parent;
    return element && drawn(element);
  };
}

/** Every element of the file by its id: moddle keeps what stands in an element in its properties. */
function index(definitions) {
  const found = new Map();
  const todo = [definitions];
  while (todo.length) {
    const element = todo.pop();
    if (element.id && !found.has(element.id)) found.set(element.id, element);
    for (const { name, isReference } of element.$descriptor?.properties ?? []) {
      if (isReference || name === 'di') continue;
      const inner = [element[name]].flat();
      todo.push(...inner.filter((each) => each?.$type && each.$parent === element));
    }
  }
  return found;
}

function grouped(items) {
  const found = new Map();
  for (const { item, shape } of items) if (shape) found.set(shape, [...(found.get(shape) ?? []), item]);
  return found;
}

function mark(viewer, shape, items) {
  const severity = RANK[Math.max(...items.map(({ dataset }) => RANK.indexOf(dataset.severity)))];
  viewer.get('canvas').addMarker(shape, `problem-${severity}`);
  const badge = document.createElement('span');
  badge.className = `problem-count problem-count-${severity}`;
  badge.textContent = items.length === 1 ? '!' : items.length;
  badge.title = items.map((item) => item.querySelector('[data-show]')?.parentElement.innerText ?? '').join('\n');
  const position = shape.waypoints ? middleOf(shape) : { top: -12, right: 12 };
  viewer.get('overlays').add(shape, 'problem', { position, scale: { min: 0.8 }, html: badge });
}

/** Overlays of a connection stand relative to its box. */
function middleOf({ waypoints }) {
  const [a, b] = waypoints.slice(Math.floor((waypoints.length - 1) / 2));
  const [left, top] = ['x', 'y'].map((axis) => Math.min(...waypoints.map((point) => point[axis])));
  return { left: (a.x + b.x) / 2 - left - 10, top: (a.y + b.y) / 2 - top - 10 };
}

function selector(viewer, list) {
  let selected;
  const canvas = viewer.get('canvas');
  return (item, shape, show) => {
    if (selected) canvas.removeMarker(selected, 'problem-selected');
    list.querySelector('[aria-current]')?.removeAttribute('aria-current');
    selected = shape;
    item.setAttribute('aria-current', 'true');
    canvas.setRootElement(canvas.findRoot(shape)); // it may be inside a collapsed sub-process
    canvas.addMarker(shape, 'problem-selected');
    if (show) show(shape);
    else item.scrollIntoView({ block: 'nearest' });
  };
}

/** What cannot be shown is no button. */
function leaveText(button) {
  const text = document.createElement('strong');
  text.textContent = button.textContent;
  button.replaceWith(text);
}
