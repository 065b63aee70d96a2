// Ways to move a diagram that bpmn-js has not: arrow keys, and fingers.
const STEP_PX = 60;
const ARROWS = {
  ArrowLeft: { dx: STEP_PX, dy: 0 },
  ArrowRight: { dx: -STEP_PX, dy: 0 },
  ArrowUp: { dx: 0, dy: STEP_PX },
  ArrowDown: { dx: 0, dy: -STEP_PX },
};

/** Arrow keys look further in their direction; with Ctrl bpmn-js does it itself. */
export function panByKeys(box, canvas) {
  box.addEventListener('keydown', (event) => {
    if (!ARROWS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    canvas.scroll(ARROWS[event.key]);
  });
}

/** One finger moves the diagram sideways (up and down it scrolls the page: see touch-action); two move and zoom it. */
export function panByFingers(box, canvas) {
  const fingers = new Map();
  const lift = ({ pointerId }) => fingers.delete(pointerId);
  box.addEventListener('pointerdown', ({ pointerId, pointerType, clientX, clientY }) => {
    if (pointerType === 'touch') fingers.set(pointerId, { x: clientX, y: clientY });
  });
  box.addEventListener('pointermove', ({ pointerId, clientX, clientY }) => {
    if (!fingers.has(pointerId)) return;
    const before = grip(fingers);
    fingers.set(pointerId, { x: clientX, y: clientY });
    follow(canvas, before, grip(fingers), box.getBoundingClientRect());
  });
  for (const kind of ['pointerup', 'pointercancel', 'pointerleave']) box.addEventListener(kind, lift);
}

/** Where the fingers are on the whole, and how far apart (0: there is one). */
function grip(fingers) {
  const all = [...fingers.values()];
  const [first, last] = [all[0], all.at(-1)];
  return {
    x: (first.x + last.x) / 2,
    y: (first.y + last.y) / 2,
    spread: Math.hypot(first.x - last.x, first.y - last.y),
  };
}

function follow(canvas, before, after, { left, top }) {
  canvas.scroll({ dx: after.x - before.x, dy: after.y - before.y });
  if (before.spread && after.spread) {
    canvas.zoom((canvas.zoom() * after.spread) / before.spread, { x: after.x - left, y: after.y - top });
  }
}
