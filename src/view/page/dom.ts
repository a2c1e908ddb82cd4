/**
 * Elements out of plain calls. The only way the page makes any: no markup is ever parsed.
 *
 * in:   a tag, attributes, children
 * out:  an element; texts are text nodes, made safe
 *
 * Handlers and styles are set on the element itself: as attributes the page's Content-Security-Policy refuses them.
 */
import { safeText } from './text.ts';

export type Child = Node | string | number | undefined | false;
export type ElementAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: ElementAttributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...nodesOf(children));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: ElementAttributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS(SVG, tag);
  setAttributes(element, attributes);
  element.append(...nodesOf(children));
  return element;
}

/** `true` is an attribute without a value, `false` and undefined is none. */
export function setAttributes(element: Element, attributes: ElementAttributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (/^(?:on|style$|srcdoc$)/i.test(name)) throw new Error(`not as an attribute: ${name}`);
    if (value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? '' : safeText(String(value)));
  }
}

/** In place of whatever the element holds. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...nodesOf(children));
}

const nodesOf = (children: readonly Child[]): Node[] =>
  children.flatMap((child) =>
    child === undefined || child === false ? [] : child instanceof Node ? [child] : [document.createTextNode(safeText(String(child)))],
  );
