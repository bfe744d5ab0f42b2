import { ablationsOf, planOf } from '../../contract/ablations';
import { MAX_ARENA_SEEDS, MAX_CONTENDERS, readSeeds, SEED_ENDS, writeSeeds } from '../../contract/arena';
import type { Methods } from '../../contract/methods/method';
import { findPreset, presetsOf } from '../../contract/presets';
import {
  type ArenaPlanState,
  arenaStateOf,
  baselineOf,
  contending,
  HELD_OUT_RANGE,
  initialArena,
  namesOf,
  planState,
  usualBaseline,
  usualPresets,
} from './arena';
import { among, type LinkEntry, quoted, readEntries, wholeNumber } from './link-text';

/**
 * The part of the Arena that a link carries: `#/arena?contenders=a,b&arena-seeds=1-10&arena-problems=200&baseline=a`, where the
 * contenders are presets, or `#/arena?ablation=…`. Settings of one's own and kept students are in no link, but in the arena's file.
 */

/** The values of a link, as text; absent ones are the defaults, of the ablation where there is one. */
export type ArenaLink = Readonly<Record<string, string>>;

export const ARENA_KEYS: readonly string[] = [
  'ablation',
  'contenders',
  'arena-seeds',
  'arena-problems',
  'baseline',
];

/** Characters of a value. */
const MAX_VALUE = 2000;

const wordsOf = (text: string): readonly string[] => (text === '' ? [] : text.split(','));

const entriesOf = (methods: Methods): Readonly<Record<string, LinkEntry>> => {
  const presets = presetsOf(methods);
  const ids = presets.map(({ id }) => id);
  return {
    ablation: among(ablationsOf(methods).map(({ id }) => id)),
    contenders: {
      may: `at most ${MAX_CONTENDERS} of ${ids.join(', ')}, each once, separated by commas`,
      accepts(text) {
        const found = wordsOf(text).map((word) => findPreset(word, presets)?.id);
        return (
          found.length <= MAX_CONTENDERS && !found.includes(undefined) && new Set(found).size === found.length
        );
      },
    },
    'arena-seeds': {
      may: `numbers from ${SEED_ENDS[0]} to ${SEED_ENDS[1]} and ranges such as 1-10,20, at most ${MAX_ARENA_SEEDS} of them`,
      accepts: (text) => text.length <= MAX_VALUE && readSeeds(text).error === null,
    },
    'arena-problems': wholeNumber(HELD_OUT_RANGE),
  };
};

/** The usable values, and what is wrong with the others. */
export function readArenaLink(
  values: URLSearchParams,
  methods: Methods,
): { readonly arena: ArenaLink; readonly problems: readonly string[] } {
  const { found: arena, problems } = readEntries(values, entriesOf(methods));
  const baseline = values.get('baseline');
  if (baseline === null) return { arena, problems };
  const presets = presetsOf(methods);
  const names = namesOf(arenaOfLink(arena, methods), presets);
  const id = findPreset(baseline, presets)?.id ?? baseline;
  if (names.includes(id)) return { arena: { ...arena, baseline }, problems };
  const problem = `unknown baseline ${quoted(baseline)}: expected one of the contenders, ${names.join(', ')}`;
  return { arena, problems: [...problems, problem] };
}

/** The plan of an ablation, with no results. Its points all stand for themselves, so that one that equals a preset keeps its name. */
export function planOfAblation(id: string, methods: Methods): ArenaPlanState | null {
  const ablation = ablationsOf(methods).find((one) => one.id === id);
  if (!ablation) return null;
  const plan = planOf(ablation, methods);
  return {
    ...arenaStateOf({ ...plan, runs: [] }, methods),
    ...{ presets: [], others: plan.contenders, heldOut: initialArena.heldOut },
  };
}

/** The plan that the form begins with. */
const usualPlan = (methods: Methods): ArenaPlanState => ({
  ...planState(initialArena),
  ...{ presets: usualPresets(methods), baseline: usualBaseline(methods) },
});

/** The plan that a link asks for. */
export function arenaOfLink(link: ArenaLink, methods: Methods): ArenaPlanState {
  const presets = presetsOf(methods);
  const idOf = (name: string): string => findPreset(name, presets)?.id ?? name;
  const { ablation, contenders, baseline, 'arena-seeds': seeds, 'arena-problems': problems } = link;
  const plan = (ablation !== undefined && planOfAblation(ablation, methods)) || usualPlan(methods);
  return {
    ...plan,
    ...(contenders !== undefined && { presets: wordsOf(contenders).map(idOf) }),
    ...(seeds !== undefined && { seeds: writeSeeds(readSeeds(seeds).seeds) }),
    ...(problems !== undefined && { heldOut: Number(problems) }),
    ...(baseline !== undefined && { baseline: idOf(baseline) }),
  };
}

/** The ablation whose points the contenders besides presets are; `null` if they are others, or changed. */
function ablationIn(
  { axis, others }: Pick<ArenaPlanState, 'axis' | 'others'>,
  methods: Methods,
): string | null {
  const plan = axis && planOfAblation(axis.ablation, methods);
  const written = (some: ArenaPlanState['others']) =>
    JSON.stringify(some.map(({ name, config }) => [name, contending(config, 1)]));
  return plan && written(plan.others) === written(others) ? axis.ablation : null;
}

/** What a link must carry to come back to this plan. Half-typed values stay out of the address. */
export function arenaLink(plan: ArenaPlanState, methods: Methods): ArenaLink {
  const presets = presetsOf(methods);
  const ablation = ablationIn(plan, methods);
  const usual = arenaOfLink(ablation === null ? {} : { ablation }, methods);
  const entries = entriesOf(methods);
  const link: Record<string, string> = ablation === null ? {} : { ablation };
  const put = (key: string, of: (one: ArenaPlanState) => string) => {
    const text = of(plan);
    if (text !== of(usual) && entries[key]?.accepts(text)) link[key] = text;
  };
  put('contenders', (one) => presets.flatMap(({ id }) => (one.presets.includes(id) ? [id] : [])).join(','));
  put('arena-seeds', ({ seeds }) => writeSeeds(readSeeds(seeds).seeds).replaceAll(' ', ''));
  put('arena-problems', ({ heldOut }) => String(heldOut));
  const read = arenaOfLink(link, methods);
  const baseline = baselineOf(plan, presets);
  if (baseline !== baselineOf(read, presets) && namesOf(read, presets).includes(baseline))
    link.baseline = baseline;
  return link;
}

/** How many contenders no link carries: settings of one's own, and kept students. */
export const notInLink = (plan: Pick<ArenaPlanState, 'axis' | 'others' | 'kept'>, methods: Methods): number =>
  plan.kept.length + (ablationIn(plan, methods) === null ? plan.others.length : 0);
