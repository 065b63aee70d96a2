/** Put a sentence where the island would be. */
export function say(element, text) {
  const message = document.createElement('p');
  message.className = 'island-message';
  message.setAttribute('role', 'status');
  message.textContent = text;
  element.replaceChildren(message);
}
