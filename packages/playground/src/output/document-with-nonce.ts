/**
 * The document as xterm is to see it. It makes style elements while it runs, and writes style attributes; the page's policy
 * allows the former with its nonce, and the latter not at all, so they are set as properties, which is the same.
 */
export function documentWithNonce(real: Document, nonce: string): Document {
  function createElement(name: string): HTMLElement {
    const element = real.createElement(name);
    if (name === 'style') element.nonce = nonce;
    const setAttribute = element.setAttribute.bind(element);
    element.setAttribute = (attribute, value) => {
      if (attribute === 'style') element.style.cssText = value;
      else setAttribute(attribute, value);
    };
    return element;
  }
  return new Proxy(real, {
    get(target, property) {
      if (property === 'createElement') return createElement;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
