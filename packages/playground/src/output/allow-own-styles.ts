/**
 * xterm makes style elements and writes style attributes while it runs. The policy of the page allows the former with its nonce
 * alone, and the latter not at all; as properties they are the same, and allowed. So both are done in that way from here on:
 * xterm has an option for another document, which it then does not use throughout.
 */
export function allowOwnStyles(nonce: string): void {
  const createElement = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions) => {
    const element = createElement(name, options);
    if (name === 'style') element.nonce = nonce;
    return element;
  };
  const { setAttribute } = HTMLElement.prototype;
  HTMLElement.prototype.setAttribute = function setStyleAsProperty(name, value) {
    if (name === 'style') this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}
