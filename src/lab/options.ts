import type { Accuracy } from '../contract/events';

/** The value of an option that counts something. @throws an error that says what was expected */
export function whole(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new Error(`--${option} ${JSON.stringify(text)}; a whole number is expected`);
  return Number(text);
}

/** `100-109,115`: whole numbers and ranges of them, both ends included. @throws an error that says what was expected */
export function wholes(option: string, text: string): number[] {
  const values = text.split(',').flatMap((part) => {
    const [from, to = from, ...rest] = part.split('-').map((end) => whole(option, end)) as [number, number?];
    if (rest.length > 0 || to < from || to - from >= MAX_RANGE)
      throw new Error(
        `--${option} ${JSON.stringify(part)}; a range such as 100-109 is expected, of ${MAX_RANGE} numbers at most`,
      );
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new Error(`--${option} names ${twice} twice`);
  return values;
}

const MAX_RANGE = 1000;

/** `37/100 [28.2, 46.8] %` */
export const accuracyText = ({ correct, total, low, high }: Accuracy): string =>
  `${correct}/${total} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}] %`;

/** The arguments of `lens` and `causal`, as parseArgs takes them. */
export const LENS_ARGUMENTS = {
  subject: { type: 'string', multiple: true, default: [] as string[] },
  open: { type: 'string' },
  text: { type: 'string', multiple: true, default: [] as string[] },
  ids: { type: 'string' },
  layers: { type: 'string' },
  stack: { type: 'string', default: 'sample' },
  centre: { type: 'boolean', default: false },
  controls: { type: 'string' },
  tucker: { type: 'boolean', default: false },
  trajectories: { type: 'string' },
  angles: { type: 'string', default: '0' },
  ranks: { type: 'string' },
  problems: { type: 'string', default: '100' },
  positions: { type: 'string', default: 'generated' },
  random: { type: 'boolean', default: false },
} as const;

/** What was given of them. */
export interface LensArguments {
  readonly subject: readonly string[];
  readonly open?: string | undefined;
  readonly text: readonly string[];
  readonly ids?: string | undefined;
  readonly layers?: string | undefined;
  readonly stack: string;
  readonly centre: boolean;
  readonly controls?: string | undefined;
  readonly tucker: boolean;
  readonly trajectories?: string | undefined;
  readonly angles: string;
  readonly ranks?: string | undefined;
  readonly problems: string;
  readonly positions: string;
  readonly random: boolean;
}
