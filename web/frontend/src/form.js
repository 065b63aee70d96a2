// A form-js form inside a plain HTML form: form-js shows and checks the fields, the plain form is what is sent.
//
//   <form method="post">
//     <div data-island="form"><script type="application/json">{"schema": .., "data": .., "errors": {key: text}}</script></div>
//     <input type="hidden" name="values">  <button name="button" value="0">Approve</button> ...
//   </form>
//
// "errors" is what the server found; it is shown at the fields. Without errors the form leaves with its values as JSON.
import '@bpmn-io/form-js-viewer/dist/assets/form-js.css';
import './form.css';
import { Form } from '@bpmn-io/form-js-viewer';

const FAULTY = '.fjs-has-errors :is(input, select, textarea, [tabindex])';

export async function mount(element) {
  const { schema, data = {}, errors = {} } = JSON.parse(element.querySelector('script').textContent);
  const outer = element.closest('form');
  const form = new Form({ container: element });
  await form.importSchema(withoutSubmitButtons(schema), data);
  showErrors(form, element, errors);
  sendWith(form, element, outer);
  keepInnerFormQuiet(element, outer);
  warnOnLeaving(form, outer, Object.keys(errors).length > 0);
}

/** The plain form has the buttons; one drawn in form-js would be a second way to send it. */
function withoutSubmitButtons(part) {
  if (!Array.isArray(part.components)) return part;
  const kept = part.components.filter(({ type, action }) => type !== 'button' || action === 'reset');
  return { ...part, components: kept.map(withoutSubmitButtons) };
}

// ---- errors --------------------------------------------------------------------------------------------------------

function showErrors(form, element, errors) {
  const found = form
    .get('formFieldRegistry')
    .getAll()
    .filter(({ key }) => key in errors)
    .map(({ id, key }) => [id, [errors[key]]]);
  if (!found.length) return;
  form._setState({ errors: Object.fromEntries(found) }); // form-js has no public way to say so
  focusFirstFault(element);
}

function focusFirstFault(element) {
  // form-js paints in its own time
  requestAnimationFrame(() => setTimeout(() => element.querySelector(FAULTY)?.focus()));
}

// ---- sending -------------------------------------------------------------------------------------------------------

function sendWith(form, element, outer) {
  outer.addEventListener('submit', (event) => {
    if (event.target !== outer) return;
    const { data, errors } = form.submit();
    if (Object.keys(errors).length) {
      event.preventDefault();
      focusFirstFault(element);
      return;
    }
    outer.elements.namedItem('values').value = JSON.stringify(data);
  });
}

/** form-js renders a form of its own: Enter in it sends the plain form, if that leaves no choice of buttons. */
function keepInnerFormQuiet(element, outer) {
  element.addEventListener(
    'submit',
    (event) => {
      event.preventDefault();
      event.stopPropagation();
      const buttons = [...outer.elements].filter(({ type }) => type === 'submit');
      if (buttons.length === 1) outer.requestSubmit(buttons[0]);
    },
    { capture: true },
  );
}

// ---- leaving -------------------------------------------------------------------------------------------------------

/** Ask the browser to warn when typed values would be lost; isTyped: the page came back with unsaved ones. */
function warnOnLeaving(form, outer, isTyped) {
  let isUnsaved = isTyped;
  outer.addEventListener('input', () => (isUnsaved = true));
  form.on('field.updated', ({ fieldInstance }) => {
    isUnsaved ||= form.get('formFieldRegistry').get(fieldInstance.id).type !== 'expression';
  });
  window.addEventListener('submit', (event) => (isUnsaved &&= event.defaultPrevented));
  window.addEventListener('beforeunload', (event) => isUnsaved && event.preventDefault());
}
