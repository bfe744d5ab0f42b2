import {
  CAUSAL_DIRECTIONS,
  type CausalPoint,
  type CausalReport,
  type CausalRequest,
} from '../../contract/lens';
import { entriesFor, type FormEntries } from './form-link';
import { readLayers } from './layers';
import { type Bounds, type SubjectId, subjectOf } from './lens-draft';
import { SEEDS, type WholeRange, wholeErrors } from './whole';

/** The causal test as it is being edited. */
export interface CausalDraft {
  readonly subject: SubjectId;
  readonly problems: number;
  /** As typed; empty means the middle layer. */
  readonly layers: string;
  /** As typed; empty means `usualRanks`. */
  readonly ranks: string;
  readonly positions: CausalRequest['positions'];
  readonly centre: boolean;
  readonly samples: number;
  /** Which of their states the directions are taken from. */
  readonly of: NonNullable<CausalRequest['of']>;
  readonly seed: number;
  readonly random: boolean;
}

export const initialCausalDraft: CausalDraft = {
  subject: 'teacher',
  problems: 100,
  layers: '',
  ranks: '',
  positions: 'generated',
  centre: false,
  samples: 32,
  of: 'projected',
  seed: 1,
  random: true,
};

/** What its numbers may be. */
export const CAUSAL_RANGES: Readonly<Record<'problems' | 'samples' | 'seed', WholeRange>> = {
  problems: [1, 1000],
  samples: [1, 128],
  seed: SEEDS,
};

/** Powers of two below a quarter of H, where each direction counts, and eighths of H above it. */
export function usualRanks(hidden: number): number[] {
  const ranks = new Set<number>();
  for (let rank = 1; rank < hidden / 4; rank *= 2) ranks.add(rank);
  for (let eighth = 2; eighth <= 8; eighth++) ranks.add(Math.round((hidden * eighth) / 8));
  return [...ranks];
}

/** The layer that is projected by default: with every layer projected, errors accumulate until no answer is right. */
export const middleLayer = (layers: number) => Math.ceil(layers / 2);

/** The typed ranks in ascending order; a word that is not a rank is named. */
export function readRanks(text: string, hidden: number | null): { ranks: number[]; error: string | null } {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  if (words.length === 0) return { ranks: hidden === null ? [] : usualRanks(hidden), error: null };
  const maxRank = hidden ?? 65_536;
  const bad = words.find((word) => !/^\d{1,5}$/.test(word) || Number(word) > maxRank);
  if (bad !== undefined)
    return {
      ranks: [],
      error: `“${bad.slice(0, 20)}” is not a rank; write whole numbers from 0 to ${maxRank}.`,
    };
  return { ranks: [...new Set(words.map(Number))].sort((a, b) => a - b), error: null };
}

export function causalErrors(draft: CausalDraft, bounds: Bounds): ReadonlyMap<keyof CausalDraft, string> {
  const errors = wholeErrors(draft, CAUSAL_RANGES);
  const layers = readLayers(draft.layers, bounds.layers);
  if (layers.error !== null) errors.set('layers', layers.error);
  const ranks = readRanks(draft.ranks, bounds.hidden);
  if (ranks.error !== null) errors.set('ranks', ranks.error);
  return errors;
}

const of = entriesFor<CausalDraft>();

export const causalEntries: FormEntries<CausalDraft> = {
  'causal-subject': of.subject('subject'),
  'causal-problems': of.count('problems', CAUSAL_RANGES.problems),
  'causal-layers': of.list(
    'layers',
    '“all”, or numbers and ranges such as 1-3,6',
    (text) => readLayers(text, null).error === null,
  ),
  'causal-ranks': of.list(
    'ranks',
    'whole numbers, separated by commas',
    (text) => readRanks(text, null).error === null,
  ),
  'causal-positions': of.oneOf('positions', ['generated', 'all']),
  'causal-of': of.oneOf('of', ['projected', 'thoughts']),
  'causal-centre': of.check('centre'),
  'causal-samples': of.count('samples', CAUSAL_RANGES.samples),
  'causal-seed': of.count('seed', CAUSAL_RANGES.seed),
  'causal-random': of.check('random'),
};

/** The request for a draft without errors, on a model with L layers and hidden size H. */
export function causalRequestOf(
  draft: CausalDraft,
  { layers: layerCount, hidden }: { readonly layers: number; readonly hidden: number },
): CausalRequest {
  const { subject, problems, positions, centre, samples, of, seed, random } = draft;
  return {
    subject: subjectOf(subject),
    problems,
    layers: layersOf(draft.layers, layerCount),
    ranks: readRanks(draft.ranks, hidden).ranks,
    positions,
    centre,
    samples,
    of,
    seed,
    random,
  };
}

function layersOf(text: string, layerCount: number): readonly number[] {
  if (text.trim() === '') return [middleLayer(layerCount)];
  return readLayers(text, layerCount).layers ?? Array.from({ length: layerCount }, (_, i) => i + 1);
}

/** Whether the points of both requests can share a chart: everything but the ranks is equal. */
export function sameTest(a: CausalRequest, b: CausalRequest): boolean {
  const rest = ({ ranks: _ranks, ...others }: CausalRequest) => JSON.stringify(others);
  return rest(a) === rest(b);
}

/** The points of both, by rank; a later point replaces an earlier one with the same rank and directions. */
export function mergePoints(old: readonly CausalPoint[], more: readonly CausalPoint[]): CausalPoint[] {
  const key = ({ rank, directions }: CausalPoint) => `${directions} ${rank}`;
  const points = new Map([...old, ...more].map((point) => [key(point), point]));
  return [...points.values()].sort(
    (a, b) =>
      a.rank - b.rank || CAUSAL_DIRECTIONS.indexOf(a.directions) - CAUSAL_DIRECTIONS.indexOf(b.directions),
  );
}

/** The report together with the points of an earlier report on the same test. */
export function mergeReports(old: CausalReport | null, next: CausalReport): CausalReport {
  if (!old || !sameTest(old.request, next.request) || old.label !== next.label || old.model !== next.model)
    return next;
  const { points } = next;
  return {
    ...withPoints({ ...next, points: old.points }, points),
    milliseconds: old.milliseconds + next.milliseconds,
  };
}

/** The report with more points of the same test. */
export function withPoints(report: CausalReport, more: readonly CausalPoint[]): CausalReport {
  const points = mergePoints(report.points, more);
  return {
    ...report,
    request: { ...report.request, ranks: [...new Set(points.map(({ rank }) => rank))] },
    points,
  };
}
