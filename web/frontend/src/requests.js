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
  else {
    underway.set(form, Date.now());
    setTimeout(() => showUnderway(form, event.submitter)); // a disabled button would not be sent along
  }
});

// <button data-busy="Uploading">: what it says meanwhile. Everybody else sees a turning ring.
function showUnderway(form, button) {
  if (!button) return;
  const label = [...button.childNodes];
  const ring = document.createElement('span');
  ring.className = 'spinner-border spinner-border-sm me-2';
  ring.setAttribute('aria-hidden', 'true');
  button.disabled = true;
  button.replaceChildren(ring, ...(button.dataset.busy ? [`${button.dataset.busy} ...`] : label));
  const restore = () => {
    button.disabled = false;
    button.replaceChildren(...label);
  };
  window.addEventListener('pageshow', ({ persisted }) => persisted && restore(), { once: true });
  if (!button.dataset.busy) setTimeout(restore, PATIENCE_MS);
}

// The browser may bring a page back as it was left.
window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) underway.delete(form);
});
