import type { GroupsEvent } from '../../contract/events';

/** Answers that are kept of a run at most; those of its first and its last step are, however many. */
const MAX_DRAWN_ANSWERS = 20_000;

/** The answers that steps of a run were computed from: of every `every`-th step that drew any, and of the last one. */
export interface DrawnSteps {
  readonly every: number;
  /** How many steps drew answers so far. */
  readonly count: number;
  /** The kept ones in their order, each with its number among those that drew answers, from 0. */
  readonly kept: readonly { readonly nth: number; readonly event: GroupsEvent }[];
}

export const noDrawnSteps: DrawnSteps = { every: 1, count: 0, kept: [] };

const answersIn = ({ groups }: GroupsEvent): number =>
  groups.reduce((sum, { completions }) => sum + completions.length, 0);

/** With more steps; while more than `max` answers would be kept, every second kept step is dropped. */
export function appendDrawnSteps(
  steps: DrawnSteps,
  events: readonly GroupsEvent[],
  max = MAX_DRAWN_ANSWERS,
): DrawnSteps {
  if (events.length === 0) return steps;
  const { every, count, kept } = steps;
  const all = [...kept, ...events.map((event, i) => ({ nth: count + i, event }))];
  const last = count + events.length - 1;
  const at = (spacing: number) => all.filter(({ nth }) => nth % spacing === 0 || nth === last);
  const isTooMuch = (some: typeof all) =>
    some.length > 2 && some.reduce((sum, { event }) => sum + answersIn(event), 0) > max;
  let spacing = every;
  while (isTooMuch(at(spacing))) spacing *= 2;
  return { every: spacing, count: last + 1, kept: at(spacing) };
}
