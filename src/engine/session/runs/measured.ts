import type { Accuracy, RunEvent } from '../../../contract/events';
import { AROUND_LATENTS, countLengths } from '../../../contract/lengths';
import { stopsByItself } from '../../decode/reasoning';
import { accuracy } from '../../eval/accuracy';
import { promptOf } from '../../eval/answer';
import type { PhaseClock } from './clock';
import type { RunContext } from './context';
import { explicitAccuracy } from './explicit-accuracy';
import type { Machinery } from './prepare';
import type { RunData } from './run-data';
import { generationLimit } from './student';
import { accuracyOfTeacher } from './targets';

export interface MeasuredOptions {
  readonly context: RunContext;
  readonly clock: PhaseClock;
  readonly machinery: Pick<Machinery, 'decoder' | 'adapter' | 'decoded' | 'teacherAccuracy'>;
  readonly data: RunData;
  readonly report: (event: RunEvent) => void;
  readonly signal: AbortSignal | undefined;
}

/** Measures the accuracies of a run. */
export class Measured {
  constructor(private readonly options: MeasuredOptions) {}

  /** Measures the student as it is after `step` steps, and reports the result. */
  async on(set: 'validation' | 'held-out', step: number): Promise<Accuracy> {
    const { context, clock, machinery, data, report, signal } = this.options;
    const { decoder, adapter, decoded } = machinery;
    const { codec, tokenizer, student } = context.roles;
    const examples = set === 'validation' ? data.validation : data.heldOut;
    clock.begin('evaluate');
    const start = performance.now();
    const answered: { length: number; right: boolean }[] = [];
    let tokens = 0;
    const share = await accuracy({
      ...{ decoder, codec, tokenizer, signal },
      endIds: student.endIds,
      problems: examples.map((e) => ({ tokens: e.tokens, answer: e.problem.answer })),
      reasoning: adapter.reasoning,
      judge: { rule: data.used.rule, prompt: promptOf(tokenizer, codec) },
      limit: generationLimit(decoded, adapter.reasoning),
      onProgress: this.tell,
      onOutcome({ isRight, latents, written }) {
        tokens += written;
        answered.push({ length: latents + AROUND_LATENTS, right: isRight });
      },
    });
    report({
      ...{ kind: 'evaluation', step, set, accuracy: share, milliseconds: performance.now() - start },
      ...(stopsByItself(adapter.reasoning) && { lengths: countLengths(answered) }),
      ...(adapter.reasoning.explicit && examples.length > 0 && { written: tokens / examples.length }),
    });
    return share;
  }

  /** On the held-out problems, with the student writing its rationale; undefined if that is what `on` measures. */
  async explicit(): Promise<Accuracy | undefined> {
    const { context, clock, machinery, data, signal } = this.options;
    if (machinery.adapter.student.reasoning.explicit) return undefined;
    clock.begin('evaluate');
    const { rule } = data.used;
    return explicitAccuracy(context, machinery, data.heldOut, { rule, signal, onProgress: this.tell });
  }

  /**
   * The teacher's accuracy, measured once per pair, or before the student was there: its time does not count
   * towards the run.
   */
  async teacher(): Promise<Accuracy> {
    const { context, clock, machinery, data, signal } = this.options;
    return machinery.teacherAccuracy ?? accuracyOfTeacher({ context, clock, data, signal });
  }

  private readonly tell = (done: number, total: number): void =>
    this.options.clock.tell(done, total, 'problems');
}
