import type { Config, Data, Layout } from 'plotly.js/lib/core';

/**
 * Plotly, loaded when the first chart is drawn: its core, which has lines and points, 365 kB gzip instead of the 1.5 MB
 * of the whole. Other kinds of trace register themselves on top of it.
 */
let loading: Promise<typeof import('plotly.js/lib/core')> | undefined;

export function loadPlotly() {
  loading ??= import('plotly.js/lib/core').then(
    (module) => module.default as unknown as typeof module,
    (error: unknown) => {
      loading = undefined; // so that another try may succeed
      throw error;
    },
  );
  return loading;
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

export type { Data, Layout };
