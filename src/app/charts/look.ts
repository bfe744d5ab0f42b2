import type { LineSeries } from './series';

/** How lines are told apart: by dash and marker first, by colour besides. */

export type ThemeName = 'light' | 'dark';

const dashes = ['solid', 'dash', 'dot', 'dashdot', 'longdash'] as const;
const markers = ['circle', 'square', 'diamond', 'triangle-up', 'cross', 'x', 'star'] as const;

// Contrast to the ground of at least 4.5 each.
const colours: Readonly<Record<ThemeName, readonly string[]>> = {
  light: ['#0b6570', '#a8480b', '#6a3fa0', '#1f5fb5', '#a02560', '#566300', '#4a5458'],
  dark: ['#67c6cf', '#f0a56b', '#c0a2ee', '#8db8f5', '#f08db8', '#c3cf68', '#b4bfc4'],
};

export const paper: Readonly<
  Record<ThemeName, { ground: string; text: string; muted: string; grid: string }>
> = {
  light: { ground: '#ffffff', text: '#1a2023', muted: '#556166', grid: '#e3e8e8' },
  dark: { ground: '#1a1f22', text: '#e6ebec', muted: '#a2afb4', grid: '#2e373b' },
};

export interface LineLook {
  readonly colour: string;
  readonly dash: (typeof dashes)[number];
  readonly symbol: (typeof markers)[number];
  readonly width: number;
  readonly opacity: number;
}

/** Lines beyond which each is drawn thinner. */
const MANY = 7;

/** Dash and marker count at different paces, so that 35 of `lines` lines differ from each other. */
export function lookOf(
  index: number,
  { weight, reference }: Pick<LineSeries, 'weight' | 'reference'>,
  theme: ThemeName,
  lines: number,
): LineLook {
  const palette = colours[theme];
  return {
    colour: reference ? paper[theme].muted : palette[index % palette.length]!,
    dash: dashes[index % dashes.length]!,
    symbol: markers[index % markers.length]!,
    width: weight === 'strong' ? 3 : reference || lines > MANY ? 1.25 : 1.75,
    opacity: weight === 'faint' ? 0.35 : 1,
  };
}
