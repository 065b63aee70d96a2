// <div data-island="viewer">: what a page shows beyond HTML is loaded when it shows it, and only then.
import { say } from './message.js';

const islands = {
  viewer: () => import('./viewer.js'),
  form: () => import('./form.js'),
};

async function mount(element) {
  element.dataset.mounted = '';
  element.setAttribute('hx-morph-skip', ''); // a page that renews itself leaves islands alone
  try {
    const { mount: mountIsland } = await islands[element.dataset.island]();
    await mountIsland(element);
    element.dataset.ready = '';
  } catch (error) {
    say(element, 'This part of the page could not be loaded. Load the page again.');
    throw error; // for the browser's log
  }
}

function mountAll() {
  for (const element of document.querySelectorAll('[data-island]:not([data-mounted])')) mount(element);
}

mountAll();
document.addEventListener('htmx:after:swap', mountAll);
