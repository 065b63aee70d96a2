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
  const form = new Form({ container: element, properties: { readOnly: 'readOnly' in element.dataset } });
  const refusals = rememberRefusals(form, errors);
  await form.importSchema(withoutSubmitButtons(schema), data);
  if (!outer) return; // to be read only
  showRefusals(form, element, refusals);
  sendWith(form, element, outer, refusals);
  keepButtonsInPlace(outer);
  keepInnerFormQuiet(element);
  sendByEnter(element, outer);
  warnOnLeaving(form, outer, refusals.size > 0);
}

/** The plain form has the buttons; one drawn in form-js would be a second way to send it. */
function withoutSubmitButtons(part) {
  if (!Array.isArray(part.components)) return part;
  const kept = part.components.filter(({ type, action }) => type !== 'button' || action === 'reset');
  return { ...part, components: kept.map(withoutSubmitButtons) };
}

// ---- what the server refused ---------------------------------------------------------------------------------------

/** Let form-js repeat the server's words about a value for as long as the value stays. Gives key -> text. */
function rememberRefusals(form, errors) {
  const refusals = new Map(Object.entries(errors));
  const refusedValues = new Map();
  const validator = form.get('validator');
  const check = validator.validateFieldInstance.bind(validator);
  validator.validateFieldInstance = (instance, value) => {
    const found = check(instance, value);
    const key = keyOf(form, instance);
    if (!refusals.has(key)) return found;
    if (!refusedValues.has(key)) refusedValues.set(key, value);
    if (refusedValues.get(key) !== value) refusals.delete(key);
    return found.length || !refusals.has(key) ? found : [refusals.get(key)];
  };
  return refusals;
}

function keyOf(form, { id }) {
  return form.get('formFieldRegistry').get(id)?.key;
}

function showRefusals(form, element, refusals) {
  if (!refusals.size) return;
  const refused = form
    .get('formFieldRegistry')
    .getAll()
    .filter(({ key }) => refusals.has(key));
  const errors = refused.map(({ id, key }) => [id, [refusals.get(key)]]);
  form._setState({ errors: Object.fromEntries(errors) }); // form-js has no public way to say so
  focusFirstFault(element);
}

function focusFirstFault(element) {
  // form-js paints in its own time
  requestAnimationFrame(() => setTimeout(() => element.querySelector(FAULTY)?.focus()));
}

// ---- sending -------------------------------------------------------------------------------------------------------

function sendWith(form, element, outer, refusals) {
  outer.addEventListener('submit', (event) => {
    if (event.target !== outer) return;
    if (element.contains(document.activeElement)) document.activeElement.blur(); // form-js takes typed text over with a delay
    refusals.clear(); // the server looks again: it may depend on another value
    const { data, errors } = form.submit();
    if (Object.keys(errors).length) {
      event.preventDefault();
      focusFirstFault(element);
      return;
    }
    outer.elements.namedItem('values').value = JSON.stringify(data);
  });
}

/** Leaving a field may take its error away; the button would slide from under the pointer, and the click be lost. */
function keepButtonsInPlace(outer) {
  outer.addEventListener('mousedown', (event) => {
    if (event.target.closest('button')?.type === 'submit') event.preventDefault();
  });
}

/** form-js renders a form of its own, which is never sent. */
function keepInnerFormQuiet(element) {
  element.addEventListener(
    'submit',
    (event) => {
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}

const LINES = ':is(.fjs-form-field-textfield, .fjs-form-field-number) input';

/** Enter in a line of text sends the plain form, if that leaves no choice of buttons. */
function sendByEnter(element, outer) {
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing || !event.target.matches(LINES)) return;
    event.preventDefault();
    const buttons = [...outer.elements].filter(({ type }) => type === 'submit');
    if (buttons.length === 1) outer.requestSubmit(buttons[0]);
  });
}

// ---- leaving -------------------------------------------------------------------------------------------------------

/** Ask the browser to warn when typed values would be lost; isTyped: the page came back with unsaved ones. */
function warnOnLeaving(form, outer, isTyped) {
  let isUnsaved = isTyped;
  outer.addEventListener('input', () => (isUnsaved = true));
  form.on('field.updated', ({ fieldInstance }) => {
    isUnsaved ||= form.get('formFieldRegistry').get(fieldInstance.id).type !== 'expression';
  });
  window.addEventListener('submit', ({ target, defaultPrevented }) => {
    if (target === outer) isUnsaved &&= defaultPrevented;
  });
  window.addEventListener('beforeunload', (event) => isUnsaved && event.preventDefault());
}
