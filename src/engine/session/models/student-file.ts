import { z } from 'zod';
import { MAX_STOP_TEMPERATURE } from '../../../contract/methods/adaptive-settings';
import { MODULES_FILE, STUDENT_FILE } from '../../../contract/model-files';
import { once } from '../../../contract/once';
import { ConfigError, FileError } from '../../base/errors';
import { floatsOf } from '../../base/half';
import { sameShape, showShape } from '../../base/shape';
import { quote } from '../../checkpoint/json';
import { locateTensors } from '../../checkpoint/locate';
import { checkFloat } from '../../checkpoint/safetensors';
import { memorySource } from '../../checkpoint/source';
import { StoredWeights } from '../../checkpoint/stored-weights';
import type { Reasoning } from '../../decode/reasoning';
import type { DecoderConfig } from '../../nn/config';
import { moduleParameters } from '../../nn/modules/modules';
import { stopHeadParameters } from '../../nn/modules/stop-head';
import type { ModuleParameter } from '../../nn/parameters';
import { readAll } from './chosen-files';
import type { LatentStudent } from './subjects';

/** How a student that was exported here reasons, according to lori.json. */

/** What lori.json may hold. */
const studentSchema = once(() => {
  const name = z.string().min(1).max(100);
  const count = z.int().min(1).max(256);
  /** 0 for a curriculum's first stage, or for latents that are pauses. */
  const some = z.int().min(0).max(256);
  const row = z
    .int()
    .min(0)
    .max(2 ** 22);
  const module = z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('projection'),
      name,
      width: z.int().min(1).max(65536),
      norm: z.boolean(),
    }),
    z.strictObject({
      kind: z.literal('recurrentFilter'),
      name,
      form: z.enum(['linear', 'linear-norm']).optional(),
    }),
  ]);
  const feedback = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('softmax'), temperature: z.number().positive().max(100) }),
    z.strictObject({ kind: z.literal('hidden') }),
    z.strictObject({ kind: z.literal('module'), module }),
  ]);
  /** A head that decides after how many latents to go on to the next stage, possibly after none. */
  const stop = z.strictObject({
    head: z.strictObject({
      kind: z.literal('stopHead'),
      name,
      temperature: z.number().positive().max(MAX_STOP_TEMPERATURE).optional(),
    }),
    min: some,
  });
  const thoughts = z.boolean().optional();
  const stage = z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('tokens'),
      ids: z.array(row).min(1).max(256),
      thoughts,
      skip: z.int().min(1).max(65536).optional(),
    }),
    z.strictObject({
      kind: z.literal('embeddings'),
      parameter: name,
      rows: z.array(row).min(1).max(256),
      thoughts,
    }),
    z.strictObject({ kind: z.literal('latents'), steps: some, feedback, stop: stop.optional() }),
    z.strictObject({ kind: z.literal('jacobi'), parameter: name, row, count, iterations: some, feedback }),
  ]);
  return z.object({
    kind: z.literal('lori-student'),
    version: z.literal(1),
    reasoning: z.strictObject({
      adapters: z.array(z.string()).max(16),
      stages: z.array(stage).max(64),
      explicit: z.boolean().optional(),
      ends: z.int().min(1).max(16).optional(),
      explicitAdapters: z.array(z.string()).max(16).optional(),
    }),
  });
});

const OTHER = `Open the folder as it was exported; ${STUDENT_FILE} and ${MODULES_FILE} belong to its weights.`;

/**
 * The student whose adapters are merged into the opened weights; undefined if it feeds nothing between
 * question and answer.
 * @param json lori.json, parsed  @param file its trained tensors outside the layers, if it has any
 * @throws ConfigError for an unknown way to reason, FileError for tensors that do not belong to it
 */
export async function studentOfFile(
  json: unknown,
  file: Blob | undefined,
  config: Pick<DecoderConfig, 'hiddenSize' | 'vocabSize'>,
): Promise<LatentStudent | undefined> {
  const read = studentSchema().safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new ConfigError(
      `${STUDENT_FILE}: ${issue?.path.join('.') || 'it'} is not understood (${issue?.message})`,
      `Take ${STUDENT_FILE} out of the folder to open the model alone.`,
    );
  }
  const { explicit, ends, stages } = read.data.reasoning;
  // Its adapters are in the weights.
  const reasoning = {
    adapters: [],
    stages,
    ...(explicit !== undefined && { explicit }),
    ...(ends !== undefined && { ends }),
  } as Reasoning;
  if (stages.length === 0) return undefined;
  const tensors = file
    ? await locateTensors(new Map([[MODULES_FILE, memorySource((await readAll(file, MODULES_FILE)).buffer)]]))
    : new Map<string, never>();
  for (const { entry } of tensors.values()) checkFloat(entry);
  const modules = [...tensors.values()].map(({ entry }) => ({ name: entry.name, shape: entry.shape }));
  checkParameters(reasoning, modules, config);
  const stored = new StoredWeights(tensors);
  return {
    reasoning,
    parameters: { adapters: {}, modules },
    packs: modules.map(({ name: own }) => floatsOf(stored.read(own)).slice()),
  };
}

function checkParameters(
  { stages }: Reasoning,
  modules: readonly { readonly name: string; readonly shape: readonly number[] }[],
  { hiddenSize: H, vocabSize: V }: Pick<DecoderConfig, 'hiddenSize' | 'vocabSize'>,
): void {
  const expect = (own: string, fits: (shape: readonly number[]) => boolean, expected: string): void => {
    const shape = modules.find((one) => one.name === own)?.shape;
    if (!shape || !fits(shape))
      throw new FileError(
        `${MODULES_FILE} ${shape ? `has ${quote(own)} as ${showShape(shape)}` : `lacks ${quote(own)}`}; ${STUDENT_FILE} requires ${expected}`,
        OTHER,
      );
  };
  const all = (parameters: readonly ModuleParameter[]): void => {
    for (const { name: own, shape } of parameters)
      expect(own, (found) => sameShape(found, shape), showShape(shape));
  };
  const rows = (own: string, last: number): void =>
    expect(own, ([n = 0, width]) => n > last && width === H, `rows of ${H}, at least ${last + 1}`);
  for (const one of stages) {
    if (one.kind === 'tokens' && one.ids.some((id) => id >= V))
      throw new FileError(`${STUDENT_FILE} feeds token ${Math.max(...one.ids)}; the model has ${V}`, OTHER);
    if (one.kind === 'embeddings') rows(one.parameter, Math.max(...one.rows));
    if (one.kind === 'jacobi') rows(one.parameter, one.row);
    if ('feedback' in one && one.feedback.kind === 'module')
      all(moduleParameters({ hiddenSize: H }, one.feedback.module));
    if (one.kind === 'latents' && one.stop) all(stopHeadParameters({ hiddenSize: H }, one.stop.head));
  }
}
