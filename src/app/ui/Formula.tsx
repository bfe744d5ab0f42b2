import 'katex/dist/katex.min.css';
import katex from 'katex';
import { useEffect, useRef } from 'react';
import { Scroller } from './Scroller';

/** A formula, set by KaTeX into the DOM, with MathML for screen readers. `display` puts it on a line of its own. */
export function Formula({ tex, display = false }: { readonly tex: string; readonly display?: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (place.current)
      katex.render(tex, place.current, {
        displayMode: display,
        throwOnError: false,
        output: 'htmlAndMathml',
      });
  }, [tex, display]);
  return display ? (
    <Scroller className="formula" label="formula">
      <span ref={place} />
    </Scroller>
  ) : (
    <span ref={place} className="formula-inline" />
  );
}
