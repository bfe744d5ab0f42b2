import type { RunConfig } from '../../../contract/config';
import type { Accuracy } from '../../../contract/events';
import type { TeacherReading } from '../../../contract/run-cost';
import { Pace } from '../../analysis/pace';
import type { TokenLayout } from '../../base/tokens';
import type { Recipe, Targets } from '../../recipes/shared/recipe';
import type { TeacherReader } from '../../recipes/shared/teacher';
import { checkPositions } from '../models/positions';
import type { Example } from '../models/problems';
import type { PhaseClock } from './clock';
import type { RunContext } from './context';
import { rationaleOf } from './plan';
import type { RunData } from './run-data';
import { TeacherPass } from './teacher-pass';

const SHORTER = 'Choose a teacher with more positions, or shorter problems.';

/** The reader for a method that reads no teacher. */
const NO_TEACHER: TeacherReader = { tokens: [], holds: true, each: async () => {} };

export interface TargetsOptions {
  readonly context: RunContext;
  readonly config: RunConfig;
  readonly recipe: Recipe;
  readonly training: readonly Example[];
  readonly layout: TokenLayout;
  /** How the teacher is read; null if it is not. */
  readonly reading: TeacherReading | null;
  readonly clock: PhaseClock;
  /** As in `prepare`. */
  readonly between: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/**
 * What a recipe takes from the teacher, which is on the device only for that time. @throws MemoryError,
 * InputError if it cannot be read
 */
export async function targetsOf(options: TargetsOptions): Promise<Targets> {
  const { context, config, recipe, training, clock, between, signal } = options;
  const reader = options.reading ? readerOf(options, options.reading) : undefined;
  clock.begin('teacher');
  await between();
  let most = 0;
  const pace = new Pace('the run', signal, {
    between: () => clock.aside(between),
    // Moments come first and take nearly all the time; the anchor's factors would restart at 0.
    onShare(share) {
      if (reader?.isReading || share <= most) return;
      most = share;
      clock.tell(Math.round(share * training.length), training.length, 'samples', share);
    },
  });
  if (!reader) {
    clock.begin('factors');
    clock.tell(0, training.length, 'samples');
  }
  const { roles } = context;
  try {
    const targets = await recipe.targets(config, roles.student.config, reader?.pass ?? NO_TEACHER, pace);
    await clock.aside(between);
    return targets;
  } finally {
    await reader?.pass.dispose();
  }
}

interface Leaving extends Pick<TargetsOptions, 'context' | 'clock' | 'signal'> {
  readonly data: RunData;
}

/**
 * Frees a kept teacher that is a different model from the student, since both may not fit where one does. Its
 * accuracy for the run's result is therefore measured first. @returns its accuracy on the held-out problems,
 * if measured now
 */
export async function leaveTeacher(options: Leaving): Promise<Accuracy | undefined> {
  const { models, roles } = options.context;
  const { model, kept } = roles.teacher;
  if (kept === undefined || model === roles.student) return undefined;
  const isAsked = options.data.heldOut.length > 0;
  try {
    return isAsked ? await accuracyOfTeacher(options) : undefined;
  } finally {
    await models.free(model);
  }
}

/** Accuracy of the teacher's own reasoning on the held-out problems: its time does not count towards the run. */
export const accuracyOfTeacher = ({ context, clock, data, signal }: Leaving): Promise<Accuracy> =>
  clock.aside(() => context.teacherAccuracy(data, { signal, report: (progress) => clock.forward(progress) }));

/** The teacher, whose readings, and the work between them, are the run's phase ‘teacher’; the work after them is ‘factors’. */
function readerOf(
  { context, config, training, layout, clock, between }: TargetsOptions,
  { held, readings }: TeacherReading,
) {
  const { models, roles } = context;
  checkPositions(roles.teacher.model, layout.question + layout.explicit, 'the teacher pass', SHORTER);
  const state = { isReading: true };
  let before = 0;
  const pass = new TeacherPass(models, roles, training, layout, {
    rationale: rationaleOf(config),
    holds: held,
    between,
    onProgress: (done, total) => clock.tell(before + done, readings * total, 'samples'),
    onRead() {
      before += training.length;
      state.isReading = before < readings * training.length;
      if (state.isReading) return;
      clock.begin('factors');
      clock.tell(0, training.length, 'samples');
    },
  });
  return Object.assign(state, { pass });
}
