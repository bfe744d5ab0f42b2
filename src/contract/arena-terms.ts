import type { RunConfig } from './config';

/** What must be equal among an arena's contenders, so that their figures can be compared seed by seed. */

export const BASES = { bundled: 'the bundled base', opened: 'an opened model' } as const;
export const DATA = { bundled: 'the bundled problems', opened: 'rows of a data set' } as const;

/** A setting that must be the same for all contenders. */
interface Term {
  readonly path: readonly [string, string];
  /** It, in words. */
  of(config: RunConfig): string;
  /** Whether it has an effect. */
  counts?(config: RunConfig): boolean;
}

const ofRows = ({ roles }: RunConfig): boolean => roles.data === 'opened';
const TERMS: readonly Term[] = [
  { path: ['roles', 'student'], of: ({ roles }) => `trained on ${BASES[roles.student]}` },
  { path: ['roles', 'data'], of: ({ roles }) => `trained on ${DATA[roles.data]}` },
  { path: ['data', 'heldOut'], of: ({ data }) => `${data.heldOut} held-out problems` },
  { path: ['data', 'rule'], of: ({ data }) => `answer rule “${data.rule}”` },
  { path: ['data', 'split'], of: ({ data }) => `split seed ${data.split}`, counts: ofRows },
  {
    path: ['data', 'longest'],
    of: ({ data }) => `rows of at most ${data.longest} tokens`,
    counts: ofRows,
  },
];

/** The first of some contenders that cannot be compared with the one before all, and the setting in which it differs. */
export function unequalTerms(
  configs: readonly RunConfig[],
): { readonly at: number; readonly path: readonly string[]; readonly message: string } | null {
  const [first] = configs;
  if (!first) return null;
  for (const [at, config] of configs.entries()) {
    const term = TERMS.find(
      ({ of, counts = () => true }) => (counts(config) || counts(first)) && of(config) !== of(first),
    );
    if (term)
      return { at, path: term.path, message: `${term.of(config)}; the first contender: ${term.of(first)}` };
  }
  return null;
}
