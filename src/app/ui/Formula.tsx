import 'katex/dist/katex.min.css';
import { useEffect, useRef } from 'react';
import { lateModule } from './late-module';
import { Scroller } from './Scroller';

type Katex = typeof import('katex').default;

/** Loaded when the first formula is shown: a sixth of what the page would load before anything is asked. */
const fetchKatex = lateModule(() => import('katex'));

/** Once it has come, later formulas are set before they are painted. */
let katex: Katex | undefined;
const loadKatex = async (): Promise<Katex> => {
  katex = await fetchKatex();
  return katex;
};

/**
 * A formula, set by KaTeX into the DOM, with MathML for screen readers; its TeX where KaTeX cannot be fetched. `display` puts it on
 * a line of its own.
 */
export function Formula({ tex, display = false }: { readonly tex: string; readonly display?: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let isShown = true;
    const set = (by: Katex) => {
      const options = { displayMode: display, throwOnError: false, output: 'htmlAndMathml' } as const;
      if (isShown) by.render(tex, element, options);
    };
    if (katex) set(katex);
    else
      loadKatex().then(set, () => {
        if (isShown) element.textContent = tex;
      });
    return () => {
      isShown = false;
    };
  }, [tex, display]);
  return display ? (
    <Scroller className="formula" label="formula">
      <span ref={place} />
    </Scroller>
  ) : (
    <span ref={place} className="formula-inline" />
  );
}
