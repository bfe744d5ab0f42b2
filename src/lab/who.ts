import type { Selection, Subject } from '../contract/lens';
import { type CommandInput, type Contender, unobserved } from './command';
import type { SubjectArguments } from './options';
import { openGiven, openKept, parseSubject, type SubjectOption, selectionsOf } from './subjects';

/** A subject that is ready, with a name. The next one may replace it. */
export interface Who {
  readonly name: string;
  readonly subject: Subject;
}

/** The requested subjects, before anything is opened or trained. */
interface Asked {
  /**
   * The opened checkpoint, and the named subjects except students without a step, which come from `trained`
   * or a stored run.
   */
  readonly options: readonly SubjectOption[];
  /** Students to train: those of the presets, or that of the configuration if no other subject is requested. */
  readonly trained: readonly Contender[];
}

/** @throws an error for a subject that is not understood */
export function askedOf(
  { contenders, config, chosen, kept }: Pick<CommandInput, 'contenders' | 'config' | 'chosen' | 'kept'>,
  given: SubjectArguments,
): Asked {
  const named = given.subject.map((text) => parseSubject(text, false));
  const isOpened = (given.open ?? given.adapter) !== undefined;
  // Beside a stored run, it is the model of the run's student.
  const isMeant = isOpened && !kept && !named.some(({ kind }) => kind === 'opened');
  const options: SubjectOption[] = [
    ...(isMeant ? [{ kind: 'opened', sections: [] } as const] : []),
    ...named.filter(({ kind, step }) => kind !== 'student' || step !== undefined),
  ];
  if (kept) return { options, trained: [] };
  if (chosen.preset.length > 0) return { options, trained: contenders };
  const isTrained = named.some(({ kind, step }) => kind === 'student' && step === undefined);
  return { options, trained: isTrained || options.length === 0 ? [{ name: config.method, config }] : [] };
}

const nameOf = ({ kind, step }: SubjectOption): string => (step === undefined ? kind : `${kind}@${step}`);

/**
 * The requested subjects, one after another: the opened checkpoint, those named, and the student of a stored
 * run, or those of the presets, which are trained here; without any, that of the configuration.
 */
export async function* askedSubjects(input: CommandInput, given: SubjectArguments): AsyncGenerator<Who> {
  const { workbench, config, kept, say, onEvent } = input;
  const { options, trained } = askedOf(input, given);
  await openGiven(workbench, given, say);
  const steps = options.filter(({ step }) => step !== undefined);
  let ofSteps: readonly Selection[] | undefined;
  for (const option of options) {
    if (option.step === undefined) yield { name: nameOf(option), subject: { kind: option.kind } };
    else {
      // One run has the checkpoints of all steps.
      ofSteps ??= await selectionsOf(workbench, steps, config, { onEvent, kept, say });
      yield { name: nameOf(option), subject: (ofSteps[steps.indexOf(option)] as Selection).subject };
    }
  }
  if (kept) {
    const { label, step } = await openKept(workbench, kept, say);
    say(`${given.kept}: ${label}, step ${step}`);
    yield { name: String(given.kept), subject: { kind: 'student' } };
  }
  for (const { name, config: own } of trained) {
    say(`training ${name}, seed ${own.seed}`);
    await workbench.distil(unobserved(own), { report: onEvent });
    yield { name, subject: { kind: 'student' } };
  }
}

/** The only subject. @throws an error that names them if several are requested, before anything is trained */
export async function oneAsked(input: CommandInput, given: SubjectArguments): Promise<Who> {
  const { options, trained } = askedOf(input, given);
  const names = [
    ...options.map(nameOf),
    ...(input.kept ? [String(given.kept)] : trained.map(({ name }) => name)),
  ];
  if (names.length > 1)
    throw new Error(`${names.length} subjects are requested, ${names.join(', ')}; one is expected`);
  const { value } = await askedSubjects(input, given).next();
  return value as Who;
}
