import { readInterventions, writeInterventions } from '../../contract/intervention-text';
import { MAX_LATENT_STEPS } from '../../contract/methods/shared';
import { grow, initialBranches, interventionsOf } from './branches';
import { among, type LinkEntry, readEntries } from './link-text';
import type { LatentsState } from './thoughts';

/**
 * The part of the Latents place that a link carries, a moment: whose thoughts (`base` and `run`, prefixes of
 * the hashes of the base and of the student's trained values; `kept`, its run, which this browser may have;
 * `of`, the student in words), K, the step and layer shown, and the interventions, as in
 * `#/latents?question=held-out-3&student=trained&run=3fa9…&k=4&do=z2:zero&step=3&layer=2`.
 */
export type MomentLink = Readonly<Record<string, string>>;

/** Digits of a hash in a link: enough to tell models apart. */
const DIGITS = 12;

const number = (low: number, high: number): LinkEntry => ({
  may: `a whole number from ${low} to ${high}`,
  accepts: (text) => /^\d{1,5}$/.test(text) && Number(text) >= low && Number(text) <= high,
});
const hash: LinkEntry = {
  may: `the first ${DIGITS} digits of a sha256`,
  accepts: (text) => /^[0-9a-f]{12,64}$/.test(text),
};

const ENTRIES: Readonly<Record<string, LinkEntry>> = {
  student: among(['trained', 'base', 'opened']),
  base: hash,
  run: hash,
  kept: { may: 'the id of a kept run', accepts: (text) => /^[\w.:-]{1,100}$/.test(text) },
  of: { may: 'at most 200 characters', accepts: (text) => text.length <= 200 },
  feedback: among(['softmax', 'hidden']),
  tau: { may: 'a number above 0 and up to 100', accepts: (text) => Number(text) > 0 && Number(text) <= 100 },
  k: number(0, MAX_LATENT_STEPS),
  do: {
    may: 'interventions such as z2:zero',
    accepts(text) {
      try {
        return readInterventions(text).length > 0;
      } catch {
        return false;
      }
    },
  },
  step: number(0, MAX_LATENT_STEPS),
  layer: number(1, 4096),
};

export const MOMENT_KEYS: readonly string[] = Object.keys(ENTRIES);

/** The usable values, and what is wrong with the others. */
export function readMomentLink(values: URLSearchParams): {
  readonly moment: MomentLink;
  readonly problems: readonly string[];
} {
  const { found: moment, problems } = readEntries(values, ENTRIES);
  return { moment, problems };
}

/** What a link must carry to come back to what is shown; nothing while no question is open. */
export function momentLink(latents: LatentsState, studentRun: string | null = null): MomentLink {
  const { session, student, branches, step, layer } = latents;
  if (session.status !== 'done') return {};
  const { identity, latentSteps, filter, temperature, student: label } = session.value;
  const interventions = writeInterventions(interventionsOf(branches));
  return {
    student,
    base: identity.base.slice(0, DIGITS),
    ...(identity.student !== null && { run: identity.student.slice(0, DIGITS), of: label.slice(0, 200) }),
    ...(student === 'trained' && studentRun !== null && { kept: studentRun }),
    ...(student === 'base' && { feedback: filter, tau: String(temperature) }),
    k: String(latentSteps),
    ...(interventions !== '' && { do: interventions }),
    step: String(step),
    ...(layer !== null && { layer: String(layer) }),
  };
}

/** The state that a moment sets before its question is opened. */
export function askedBy(link: MomentLink): Partial<LatentsState> {
  return {
    ...(link.student && { student: link.student as LatentsState['student'] }),
    // What the link omits takes its default.
    steps: link.k === undefined ? null : Number(link.k),
    choice: link.feedback
      ? { filter: link.feedback as 'softmax' | 'hidden', temperature: Number(link.tau ?? 1) }
      : null,
  };
}

/** The state that a moment sets once its question is open. */
export function shownBy(link: MomentLink): Pick<LatentsState, 'branches' | 'step' | 'layer'> {
  const interventions = readInterventions(link.do ?? '');
  return {
    branches: interventions.length === 0 ? initialBranches : grow(initialBranches, interventions),
    step: Number(link.step ?? 0),
    layer: link.layer === undefined ? null : Number(link.layer),
  };
}

/** Says which student of a link is missing, and how to get it. */
export function studentMissing({ student, of = 'a trained student', run, kept }: MomentLink): string {
  const which = `The link is of ${of}${run ? ` (${run}…)` : ''}, which is not here`;
  const otherwise = 'follow the link again; or open the question with the base, whose thoughts differ.';
  if (student === 'opened')
    return `${which}: no model that reasons in thoughts is open. Open it in the Model panel, from its files or its repository, and ${otherwise}`;
  return `${which}${kept ? ', nor among the students that this browser keeps' : ''}. Load its run bundle in Distil, if whoever sent the link has it, or train it there with the same settings and seed, and ${otherwise}`;
}

/** Says what differs between a link's models and the loaded ones; `null` if nothing does. */
export function strangerIn(
  link: MomentLink,
  { base, student }: { readonly base: string; readonly student: string | null },
): string | null {
  const differs = (wanted: string | undefined, found: string | null): boolean =>
    wanted !== undefined && !(found ?? '').startsWith(wanted);
  if (differs(link.base, base))
    return `The link is of another base (${link.base}…) than the one that is loaded (${base.slice(0, DIGITS)}…), so what is shown here differs from what the link showed.`;
  if (!differs(link.run, student)) return null;
  const wanted = `${link.of ?? 'a student'} (${link.run}…)`;
  return student === null
    ? `The link is of ${wanted}; what is shown is the untrained base.`
    : `The link is of ${wanted}; the student here has different trained values (${student.slice(0, DIGITS)}…), so what is shown differs from what the link showed.`;
}
