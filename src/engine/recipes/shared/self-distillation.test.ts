import { describe, expect, it } from 'vitest';
import { readGolden } from '../../testing/golden.testing';
import type { FunctionEntry } from '../../train/tape/entries';
import { tapeMasks } from '../../train/tape/inputs';
import type { Tape } from '../../train/tape/tape';
import { relativeError } from '../../train/tiny.testing';
import { codiSelf } from '../codi-self';
import { makeCase, ROUNDING } from '../method-goldens.testing';
import { outputsOf, type Parity } from '../parity.testing';
import { TOKEN_INPUTS } from './token-inputs';

const golden = readGolden('simcot');
const { meta } = golden;

const caseOf = (targetPass: 'same' | 'own', { dropout = 0, weights = meta.weights } = {}): Promise<Parity> =>
  makeCase({
    ...{ golden, family: 'llama', name: 'two', recipe: codiSelf },
    config: {
      method: 'codi-self',
      latent: { steps: 2 },
      projection: { width: meta.width },
      teacher: { targetPass },
      lora: { rank: meta.rank, alpha: meta.alpha, dropout },
      weights: { answer: weights.answer, teacher: weights.teacher, distillation: weights.distillation },
    },
  });

const distillationOf = ({ entries }: Tape): FunctionEntry =>
  entries.find((entry) => entry.kind === 'loss' && entry.terms.includes('distillation')) as FunctionEntry;
/** What the loss compares the student with. */
const targetOf = (tape: Tape) => distillationOf(tape).inputs[1] as FunctionEntry['inputs'][number];

/** The adapter's dropout masks at a step, besides the batch. */
const masked = (made: Parity, tape: Tape, step: number): Parity => ({
  ...made,
  feeds: { ...made.feeds, ...tapeMasks(tape, step) },
});

describe('targets from a pass of their own', () => {
  it('are those of the pass with the cross entropy where nothing is dropped: the same terms and gradients', async () => {
    const [same, own] = [await caseOf('same'), await caseOf('own')];
    expect(own.tape().segments.length).toBe(same.tape().segments.length + 1);
    expect(own.tape().terms).toEqual(['teacher', 'answer', 'distillation']);
    const [terms, ...gradients] = outputsOf(own, own.tape());
    expect(Math.min(...terms)).toBeGreaterThan(0.01);
    expect(Math.max(...(gradients[0] as Float64Array).map(Math.abs))).toBeGreaterThan(1e-3);
    // Float64, and the same operations.
    expect([terms, ...gradients]).toEqual([...outputsOf(same, same.tape())]);
  });

  it('differ where the adapter’s inputs are dropped, by masks of their own; those of the same pass do not', async () => {
    const apart = async (targetPass: 'same' | 'own'): Promise<number> => {
      const made = await caseOf(targetPass, { dropout: 0.4 });
      const tape = made.tape();
      // The question is read first, then the text whose cross entropy is the teacher's term.
      const text = tape.segments[1] as (typeof tape.segments)[number];
      tape.output('read', tape.statesAt(text, TOKEN_INPUTS.explicitAnchors));
      tape.output('target', targetOf(tape));
      const [read, target] = outputsOf(masked(made, tape, 3), tape).slice(-2) as [Float64Array, Float64Array];
      return relativeError(target, read);
    };
    expect(await apart('own')).toBeGreaterThan(0.01);
    expect(await apart('same')).toBe(0);
  });

  it('are constants to the student: no gradient goes through their pass', async () => {
    const weights = { answer: 0, teacher: 0, distillation: 1 };
    const made = await caseOf('own', { dropout: 0.4, weights });
    const gradient = (given: Parity, change: (tape: Tape) => void = () => undefined): number[] => {
      const tape = given.tape();
      change(tape);
      const [, ...gradients] = outputsOf(masked(given, tape, 3), tape);
      return gradients.slice(0, tape.parameters.all.length).flatMap((one) => [...one]);
    };
    const replace = (tape: Tape, target: FunctionEntry['inputs'][number]): void => {
      const loss = distillationOf(tape);
      Object.assign(loss, { inputs: [loss.inputs[0], target] });
    };

    const tape = made.tape();
    tape.output('target', targetOf(tape));
    const target = outputsOf(masked(made, tape, 3), tape).at(-1) as Float64Array;
    const { shape } = targetOf(tape);
    const data = Float32Array.from(target);
    const given = { ...made, feeds: { ...made.feeds, given: { dtype: 'f32', shape, data } as const } };
    const fixed = gradient(given, (other) => {
      const constant = other.compute('given', shape, [], ({ graph }) => graph.input('given', shape));
      const entry = other.entries.pop() as (typeof other.entries)[number];
      other.entries.splice(other.entries.indexOf(distillationOf(other)), 0, entry);
      replace(other, constant);
    });
    // The constants are rounded to float32 on their way.
    expect(relativeError(gradient(made), fixed)).toBeLessThan(ROUNDING);
    const through = gradient(made, (other) => replace(other, { ...targetOf(other), detached: false }));
    expect(relativeError(through, fixed)).toBeGreaterThan(0.01);
  });
});
