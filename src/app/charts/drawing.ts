/** What style sheets may say of a drawing, and a presentation attribute can. */
const STYLES = [
  ...['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linejoin', 'paint-order'],
  ...['font-family', 'font-size', 'font-weight', 'text-decoration-line'],
] as const;

/** SVG has an attribute for the shorthand only. */
const attributeOf = (style: string): string => style.replace(/-line$/, '');

/**
 * A drawing of the page as an SVG document that looks the same by itself: what style sheets and their variables say of it, as it is
 * shown now, stands in its attributes.
 */
export function standalone(drawing: SVGSVGElement): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const shown = [drawing, ...drawing.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
    const style = getComputedStyle(shown[i] as Element);
    for (const name of STYLES) element.setAttribute(attributeOf(name), style.getPropertyValue(name));
    element.removeAttribute('class');
  });
  return new XMLSerializer().serializeToString(copy);
}
