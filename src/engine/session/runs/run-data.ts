import type { RuleId } from '../../../contract/answer-rules';
import type { RunConfig } from '../../../contract/config';
import type { DataUsed } from '../../../contract/roles';
import { InputError } from '../../base/errors';
import { sha256Hex } from '../../base/sha256';
import { type DrawOptions, drawRows, type UsedRow } from '../../data/sets/draw-rows';
import { calculationsOf } from '../../data/sets/row-codec';
import type { RationaleForm } from '../../data/tokens';
import { openedData } from '../data/opened-data';
import type { Example } from '../models/problems';
import type { Roles } from '../models/roles';
import type { LoadedModels } from '../models/subjects';

/** The examples of a run. */
export interface RunData {
  readonly training: readonly Example[];
  readonly validation: readonly Example[];
  readonly heldOut: readonly Example[];
  /** Which data they are, and by which rule answers are judged. */
  readonly used: DataUsed;
}

/** Maximum number of left-out rows named; all are counted. */
const MAX_LISTED = 200;

export interface RunDataOptions {
  /** The form of rationale that is read; undefined if none is needed. */
  readonly rationale: RationaleForm | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Training, validation and held-out examples, drawn according to the configuration.
 * @throws InputError if fewer are usable than requested, or there is no data, CancelledError
 */
export async function runData(
  config: RunConfig,
  roles: Roles,
  loaded: LoadedModels,
  options: RunDataOptions,
): Promise<RunData> {
  return config.roles.data === 'opened'
    ? rowsOf(config, roles, loaded, options)
    : problemsOf(config, roles, loaded);
}

/** The bundled word problems, in the student's tokens. */
async function problemsOf(
  { seed, data }: RunConfig,
  { codec }: Roles,
  { pair, problems }: LoadedModels,
): Promise<RunData> {
  if (!pair || !problems) throw new InputError('no models are loaded', 'Load the bundled pair first.');
  const own = (examples: readonly Example[]): readonly Example[] =>
    codec === pair.codec ? examples : examples.map((e) => ({ ...e, tokens: codec.encode(e.problem) }));
  const training = own(problems.sample(seed, data.samples));
  const validation = own(problems.take('validation', 0, data.validation));
  const heldOut = own(problems.take('held-out', 0, data.heldOut));
  return {
    ...{ training, validation, heldOut },
    used: {
      name: pair.manifest.data.description,
      sha256: null,
      rule: ruleOf(data.rule, 'last-number'),
      ...idsOf({ training, validation, heldOut }),
      problems: await digestOf(heldOut),
      leftOut: 0,
      leftOutRows: [],
      notes: [],
    },
  };
}

/** What a run makes of a row, and which rows it leaves out. */
export function rowReading(
  { data }: Pick<RunConfig, 'data'>,
  { codec, student }: Pick<Roles, 'codec' | 'student'>,
  { rationale, signal }: RunDataOptions,
): DrawOptions {
  const { maxPositions = Number.POSITIVE_INFINITY } = student.config;
  const longest = Math.min(maxPositions, data.longest > 0 ? data.longest : Number.POSITIVE_INFINITY);
  return { codec, longest, rationale, signal };
}

async function rowsOf(
  config: RunConfig,
  roles: Roles,
  loaded: LoadedModels,
  options: RunDataOptions,
): Promise<RunData> {
  const { seed, data } = config;
  const { rationale } = options;
  const { set } = openedData(loaded.data);
  const drawn = await drawRows(set, { seed, ...data }, rowReading(config, roles, options));
  const examples = (rows: readonly UsedRow[]): Example[] =>
    rows.map(({ row, tokens }) => ({ id: row.id, problem: row, tokens }));
  const training = examples(drawn.training);
  const validation = examples(drawn.validation);
  const heldOut = examples(drawn.heldOut);
  return {
    ...{ training, validation, heldOut },
    used: {
      name: set.report.name,
      sha256: set.report.sha256,
      rule: ruleOf(data.rule, set.report.rule),
      ...idsOf({ training, validation, heldOut }),
      problems: await digestOf(heldOut),
      leftOut: drawn.leftOut.length,
      leftOutRows: drawn.leftOut.slice(0, MAX_LISTED),
      notes: rationale === 'results' ? withoutCalculations(training) : [],
    },
  };
}

const ruleOf = (asked: RunConfig['data']['rule'], own: RuleId): RuleId => (asked === 'set' ? own : asked);

const idsOf = (parts: Pick<RunData, 'training' | 'validation' | 'heldOut'>) => ({
  training: parts.training.map(({ id }) => id),
  validation: parts.validation.map(({ id }) => id),
  heldOut: parts.heldOut.map(({ id }) => id),
});

const DIGITS = 16;
const digestOf = async (examples: readonly Example[]): Promise<string> =>
  (
    await sha256Hex(
      new TextEncoder().encode(
        JSON.stringify(examples.map(({ problem: { question, answer } }) => [question, answer])),
      ),
    )
  ).slice(0, DIGITS);

/** From rows without calculations, results alone cannot be extracted. */
function withoutCalculations(training: readonly Example[]): string[] {
  const { length } = training.filter(({ problem }) => calculationsOf(problem).length === 0);
  return length === 0
    ? []
    : [
        `${length} of ${training.length} training rows have no calculations <<…>>: the teacher is read on their whole rationale instead of the results.`,
      ];
}
