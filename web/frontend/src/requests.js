// What every request carries, and no form sent twice by a second click.
const token = document.querySelector('meta[name="csrf-token"]')?.content;

document.addEventListener('htmx:config:request', (event) => {
  if (token) event.detail.ctx.request.headers['X-CSRFToken'] = token;
});

const PATIENCE_MS = 10_000; // then the form may be sent again: the answer got lost, or the person stopped it
const underway = new WeakMap();

function isUnderway(form) {
  return Date.now() - (underway.get(form) ?? -Infinity) < PATIENCE_MS;
}

// On window, so that it runs after everything that may stop the submission.
window.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post') return;
  if (isUnderway(form)) event.preventDefault();
  else underway.set(form, Date.now());
});

// The browser may bring a page back as it was left.
window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) underway.delete(form);
});
