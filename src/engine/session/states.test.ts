import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECTIONS, type Subject } from '../../contract/lens';
import { CancelledError } from '../base/errors';
import { Rng } from '../base/rng';
import { layoutOf, tokenBatch } from '../data/batch';
import { initialLora } from '../nn/lora';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { serveFiles, tinyPair } from '../testing/tiny-pair.testing';
import { compileTeacher } from '../train/teacher';
import { normals, relativeError } from '../train/tiny.testing';
import { loadPair, type Pair } from './pair';
import { ProblemSet } from './problems';
import { gatherStates, openStates, sequencesOf, statesBytes } from './states';
import type { Student } from './student';
import { type Held, resolveSubject } from './subjects';

/** The same float32 sums in another order: two programs of two blocks. Measured 4e-7. */
const TOLERANCE = 3e-6;

let runtime: Runtime;
let pair: Pair;
let held: Held & { readonly problems: ProblemSet };
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  ({ pair } = await loadPair('models', { fetch: serveFiles(await tinyPair()) }));
  const lora = { rank: 2, alpha: 3, targets: ['q', 'v', 'down'] } as const;
  const rng = new Rng(4);
  const student: Student = {
    label: 'tiny',
    latentSteps: 3,
    filter: { kind: 'softmax', temperature: 0.7 },
    lora,
    packs: initialLora(pair.base.config, lora, rng).map((pack) => normals(rng, pack.length, 0.2)),
  };
  held = {
    pair,
    problems: new ProblemSet(pair.manifest.data, pair.codec),
    student,
    checkpoints: new Map([[3, { ...student, step: 50, packs: student.packs.map((p) => p.slice()) }]]),
  };
});
afterAll(() => runtime.dispose());

const TEACHER: Subject = { kind: 'teacher' };
const problems = (samples: number) => sequencesOf({ kind: 'problems', seed: 5, samples }, held);

describe('gatherStates', () => {
  it('gives the teacher’s rationale states as the teacher pass does, whatever the lengths', async () => {
    const count = 11;
    const sequences = problems(count);
    const got = await gatherStates(runtime, resolveSubject(TEACHER, held), sequences, ['rationale']);
    const tokens = held.problems.sample(5, count).map((e) => e.tokens);
    const layout = layoutOf(tokens, pair.codec, count);
    const teacher = await compileTeacher(runtime, pair.teacher.config, layout, pair.teacher.weights);
    const want = await teacher.run(
      tokenBatch(tokens, pair.codec, layout),
      tokens.map((t) => t.rationale.length),
    );
    teacher.dispose();
    expect(got.samples.map((s) => s.id)).toEqual(sequences.map((s) => s.id));
    expect(new Set(got.samples.map((s) => s.tokens)).size).toBeGreaterThan(1);
    for (const [i, sample] of got.samples.entries()) {
      expect(sample.tokens).toBe(want[i]?.tokens);
      expect(relativeError(sample.states, want[i]?.rationale as Float32Array)).toBeLessThan(TOLERANCE);
    }
  });
});
