import type { Config, Data, Layout } from 'plotly.js/lib/core';
import { lateModule } from '../ui/late-module';

/** Trace types beyond lines and points in SVG, which the core has. */
export type Part = 'heatmap' | 'scattergl' | 'scatter3d';

/** The strict build of scattergl makes no functions from strings, which the page's security policy forbids. */
const parts: Readonly<Record<Part, () => Promise<unknown>>> = {
  heatmap: lateModule<unknown>(() => import('plotly.js/lib/heatmap')),
  scattergl: lateModule<unknown>(() => import('plotly.js/src/traces/scattergl/strict')),
  scatter3d: lateModule<unknown>(() => import('plotly.js/lib/scatter3d')),
};

/**
 * Plotly, loaded when the first chart is drawn: only its core, with lines and points, 362 kB gzip instead of 1.5 MB for
 * everything. Other trace types are separate files, loaded when first used.
 */
const loadCore = lateModule(
  () => import('plotly.js/lib/core') as unknown as Promise<{ default: typeof import('plotly.js/lib/core') }>,
);
const registered = new Set<Part>();

export async function loadPlotly(wanted: readonly Part[] = []) {
  const plotly = await loadCore();
  const one = async (part: Part): Promise<void> => {
    const trace = await parts[part]();
    if (registered.has(part)) return;
    registered.add(part);
    plotly.register(trace as never);
  };
  await Promise.all(wanted.map(one));
  return plotly;
}

/** Trace types that are drawn with WebGL. */
export const needsWebgl = (wanted: readonly Part[]) =>
  wanted.includes('scattergl') || wanted.includes('scatter3d');

let webgl = false;

/** Whether the browser has WebGL here. It may come back, so a negative answer is not remembered. */
export function hasWebgl(): boolean {
  if (!webgl) {
    const context = document.createElement('canvas').getContext('webgl');
    webgl = context !== null;
    context?.getExtension('WEBGL_lose_context')?.loseContext(); // browsers allow only a few
  }
  return webgl;
}

/** Nothing leaves the page, and the buttons are ours, because Plotly's own cannot be reached by keyboard. */
export const config: Partial<Config> = {
  displayModeBar: false,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: '',
  responsive: false,
  doubleClick: 'reset',
  showTips: false,
};

/** Text shown literally: Plotly would read `<s>` as markup. */
export const plain = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Literal text for a hover label, in lines of about `width` characters, cut after `maxLines`. */
export function wrapped(text: string, width = 64, maxLines = 5): string {
  const lines: string[] = [''];
  for (const word of text.split(/\s+/)) {
    for (let rest = word; rest !== ''; ) {
      const room = width - lines.at(-1)!.length - 1;
      if (lines.at(-1) !== '' && rest.length > room) lines.push('');
      const piece = rest.slice(0, width);
      lines[lines.length - 1] += lines.at(-1) === '' ? piece : ` ${piece}`;
      rest = rest.slice(width);
    }
  }
  const shown =
    lines.length > maxLines ? [...lines.slice(0, maxLines - 1), `${lines[maxLines - 1]} …`] : lines;
  return shown.map(plain).join('<br>');
}

export type { Data, Layout };
