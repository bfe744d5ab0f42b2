import type { LineSeries } from './series';

/** How lines and points are distinguished: by dash and marker first, and also by colour. */

export type ThemeName = 'light' | 'dark';

const dashes = ['solid', 'dash', 'dot', 'dashdot', 'longdash'] as const;
const markers = ['circle', 'square', 'diamond', 'triangle-up', 'cross', 'x', 'star'] as const;
/** Markers that 3-D charts have as well. */
const solids = ['circle', 'diamond', 'square', 'cross', 'x'] as const;

// A contrast to the background of at least 4.5 each.
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

/** Viridis in eleven steps of even lightness, so that it can be read without colour vision and in grey. */
export const viridis = [
  '#440154',
  '#482475',
  '#414487',
  '#355f8d',
  '#2a788e',
  '#21918c',
  '#22a884',
  '#44bf70',
  '#7ad151',
  '#bddf26',
  '#fde725',
] as const;

export type Scale = readonly (readonly [number, string])[];

const spread = (steps: readonly string[]): Scale =>
  steps.map((colour, i) => [i / (steps.length - 1), colour] as const);

/** Opacity of areas. */
export const areaScale: Scale = spread(viridis);

/** Scale of points: the part with a contrast to the background of at least 3. */
export const pointScale: Readonly<Record<ThemeName, Scale>> = {
  light: spread(viridis.slice(0, 6)),
  dark: spread(viridis.slice(4)),
};

export interface LineLook {
  readonly colour: string;
  readonly dash: (typeof dashes)[number];
  readonly symbol: (typeof markers)[number];
  readonly width: number;
  readonly opacity: number;
}

/** Number of lines beyond which each is drawn thinner. */
const MANY = 7;

export const colourAt = (index: number, theme: ThemeName) => {
  const palette = colours[theme];
  return palette[index % palette.length]!;
};
export const solidAt = (index: number) => solids[index % solids.length]!;

/** Dash and marker cycle with different periods, so that 35 of `lines` lines differ from each other. */
export function lookOf(
  index: number,
  { weight, reference, look }: Pick<LineSeries, 'weight' | 'reference' | 'look'>,
  theme: ThemeName,
  lines: number,
): LineLook {
  return {
    colour: reference ? paper[theme].muted : colourAt(look?.colour ?? index, theme),
    dash: dashes[(look?.dash ?? index) % dashes.length]!,
    symbol: markers[(look?.marker ?? index) % markers.length]!,
    width: weight === 'strong' ? 3 : reference || lines > MANY ? 1.25 : 1.75,
    opacity: weight === 'faint' ? 0.35 : 1,
  };
}

/** The colour with an opacity, for areas. */
export const translucent = (colour: string, opacity: number) =>
  `rgba(${[1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)).join(',')},${opacity})`;
