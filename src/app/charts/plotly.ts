import type { Config, Data, Layout } from 'plotly.js/lib/core';

/** Kinds of trace beyond lines and points in SVG, which the core has. */
export type Part = 'heatmap' | 'scattergl' | 'scatter3d';

type Module = { readonly default: unknown };

/** The strict build of scattergl makes no functions from strings, which the policy of the page forbids. */
const parts: Readonly<Record<Part, () => Promise<unknown>>> = {
  heatmap: () => import('plotly.js/lib/heatmap'),
  scattergl: () => import('plotly.js/src/traces/scattergl/strict'),
  scatter3d: () => import('plotly.js/lib/scatter3d'),
};

/**
 * Plotly, loaded when the first chart is drawn: its core, which has lines and points, 365 kB gzip instead of the 1.5 MB
 * of the whole. The other kinds of trace are files of their own that are loaded on top of it when first used.
 */
let core: Promise<typeof import('plotly.js/lib/core')> | undefined;
const loaded = new Map<Part, Promise<void>>();

function loadCore() {
  core ??= import('plotly.js/lib/core').then(
    (module) => module.default as unknown as typeof module,
    (error: unknown) => {
      core = undefined; // so that another try may succeed
      throw error;
    },
  );
  return core;
}

export async function loadPlotly(wanted: readonly Part[] = []) {
  const plotly = await loadCore();
  const one = (part: Part) => {
    const already = loaded.get(part);
    if (already) return already;
    const loading = parts[part]().then(
      (module) => plotly.register((module as Module).default as never),
      (error: unknown) => {
        loaded.delete(part);
        throw error;
      },
    );
    loaded.set(part, loading as Promise<void>);
    return loading;
  };
  await Promise.all(wanted.map(one));
  return plotly;
}

/** Kinds of trace that are drawn by WebGL. */
export const needsWebgl = (wanted: readonly Part[]) =>
  wanted.includes('scattergl') || wanted.includes('scatter3d');

let webgl = false;

/** Whether the browser has WebGL here. It may come back, so that a no is asked again. */
export function hasWebgl(): boolean {
  if (!webgl) {
    const context = document.createElement('canvas').getContext('webgl');
    webgl = context !== null;
    context?.getExtension('WEBGL_lose_context')?.loseContext(); // browsers have few of them
  }
  return webgl;
}

/** Nothing leaves the page, and the buttons are ours: Plotly's own cannot be reached by keyboard. */
export const config: Partial<Config> = {
  displayModeBar: false,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: '',
  responsive: false,
  doubleClick: 'reset',
  showTips: false,
};

/** Text as it is: Plotly reads `<s>` as markup otherwise. */
export const plain = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text for a hover label: as it is, in lines of about `width` characters, cut after `most` of them. */
export function wrapped(text: string, width = 64, most = 5): string {
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
  const shown = lines.length > most ? [...lines.slice(0, most - 1), `${lines[most - 1]} …`] : lines;
  return shown.map(plain).join('<br>');
}

export type { Data, Layout };
