import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Contender } from './command';

/** What `eval` writes after each run and `--resume` reads back. */

const runSchema = z.object({
  /** Name of the contender. */
  name: z.string(),
  seed: z.int().min(0),
  /** Share of held-out problems answered correctly; absent if the run failed. */
  accuracy: z.number().min(0).max(1).optional(),
  correct: z.int().min(0).optional(),
  total: z.int().min(0).optional(),
  /** The teacher's accuracy on the same problems, with explicit reasoning. */
  teacher: z.number().min(0).max(1).optional(),
  steps: z.int().min(0).optional(),
  seconds: z.record(z.string(), z.number()).optional(),
  /** Why there is no accuracy: the message of a run that diverged. */
  failed: z.string().optional(),
});
export type EvalRun = Readonly<z.infer<typeof runSchema>>;

const fileSchema = z.object({
  command: z.literal('eval').optional(),
  threads: z.int().optional(),
  /** SHA-256 by model. */
  models: z.record(z.string(), z.string()),
  /** Configurations without their seeds. */
  contenders: z.array(z.object({ name: z.string(), config: z.record(z.string(), z.unknown()) })),
  runs: z.array(runSchema),
});
export interface EvalFile {
  readonly models: Readonly<Record<string, string>>;
  readonly contenders: readonly StoredContender[];
  readonly runs: readonly EvalRun[];
}

export interface StoredContender {
  readonly name: string;
  /** A configuration without its seed, as read back from JSON, which has no undefined. */
  readonly config: Readonly<Record<string, unknown>>;
}

export function storedContender({ name, config }: Contender): StoredContender {
  const { seed: _seed, ...rest } = config;
  return { name, config: JSON.parse(JSON.stringify(rest)) };
}

/**
 * The file that this evaluation starts from: an earlier one to continue, or one without runs. Contenders and runs in the
 * earlier file that are not requested now stay in it.
 * @throws an error if the file is not from `eval`, or its runs were made with other models or settings
 */
export function evalFile(
  earlier: unknown,
  now: {
    readonly contenders: readonly Contender[];
    readonly models: Readonly<Record<string, string>>;
    readonly threads: number;
    readonly say: (line: string) => void;
  },
): { readonly contenders: readonly StoredContender[]; readonly runs: EvalRun[] } {
  const wanted = now.contenders.map(storedContender);
  if (earlier === undefined) return { contenders: wanted, runs: [] };
  const parsed = fileSchema.safeParse(earlier);
  if (!parsed.success)
    throw new Error(`--resume: the file is not one that eval wrote:\n${z.prettifyError(parsed.error)}`);
  const { models, contenders, runs, threads } = parsed.data;
  if (!isDeepStrictEqual(models, { ...now.models }))
    throw new Error('--resume: the runs of the file were made with other models; choose another --out');
  const others = contenders.filter(({ name, config }) => {
    const same = wanted.find((contender) => contender.name === name);
    if (same && !isDeepStrictEqual(same.config, config))
      throw new Error(
        `--resume: the runs of ${name} in the file have settings other than those requested; give the same ones, or another --out`,
      );
    return !same;
  });
  if (threads !== undefined && threads !== now.threads)
    now.say(
      `warning: the runs of the file used ${threads} threads, this evaluation uses ${now.threads}; their last bits differ`,
    );
  now.say(`${runs.length} runs are taken from the file`);
  return { contenders: [...wanted, ...others], runs };
}
