import type { CallOptions } from '../../../contract/calls';
import type { Progress } from '../../../contract/events';
import type { ThoughtTestReport, ThoughtTestRequest } from '../../../contract/thought-test';
import { Rng } from '../../base/rng';
import { hasFixedThoughts, type Reasoning, stopsByItself, thoughtsIn } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { promptOf } from '../../eval/answer';
import { type Answerer, answersOf, inBatches } from './answers';
import { checkThoughts, notesOn } from './check';
import { Collected } from './collected';
import { conditionsFor } from './conditions';
import { prepare } from './prepared';
import { groupsOf, readThoughts } from './read-thoughts';
import { intermediateResults } from './results';

/** Everything that the report is made from. */
export interface ThoughtTestOf extends Answerer {
  readonly reasoning: Reasoning;
  readonly label: string;
  readonly model: string;
  readonly ids: readonly string[];
  /** Steps of the reference rationales, by problem. */
  readonly steps: readonly (readonly string[])[];
  /** The pause token, and its embedding [H]. */
  readonly pause: { readonly text: string; readonly embedding: Float32Array };
  readonly device?: Device | undefined;
}

/**
 * Answers the problems under every condition of the contract. First all are read once for their thoughts;
 * then, batch by batch, every condition continues from the same state after the question. Problems with
 * different numbers of thoughts are in separate batches.
 * @throws InputError, CancelledError, NumericError
 */
export async function thoughtTestReport(
  of: ThoughtTestOf,
  request: ThoughtTestRequest,
  { signal, report }: CallOptions<Progress> = {},
): Promise<ThoughtTestReport> {
  const start = performance.now();
  const { decoder, problems, reasoning } = of;
  const { batch: B, config } = decoder.shape;
  checkThoughts(request, reasoning, config.hiddenSize, of.label);
  const conditions = conditionsFor(reasoning, request.ranks);
  const total = problems.length * (conditions.length + 2);
  let done = 0;
  const tell = (more: number): void => {
    done += more;
    report?.({ phase: 'thoughts', done, total, unit: 'problems', elapsed: performance.now() - start });
  };
  tell(0);
  const groups = await groupsOf(of);
  const read = await readThoughts(of, groups, tell);
  const prepared = await prepare(conditions, request, read.thoughts, {
    ...{ reasoning, batch: B, device: of.device, signal, pause: of.pause.embedding },
    answers: of.problems.map(({ answer }) => answer),
  });
  const all = problems.map((_, b) => b);
  const straight = new Collected({ kind: 'straight' }, all);
  const points = prepared.map(
    ({ condition, problems: own, directions }) => new Collected(condition, own, directions),
  );
  for (const group of groups)
    await inBatches(of, group.problems, async (question, rows) => {
      const base = await answersOf(of, question, rows, group.reasoning);
      straight.add(rows, base, base, B);
      tell(rows.length);
      for (const [i, { reasoning: own = group.reasoning, given }] of prepared.entries()) {
        const point = points[i] as Collected;
        if (point.concerns(rows))
          point.add(rows, await answersOf(of, question, rows, own, given?.(rows)), base, B);
        tell(rows.length);
      }
    });
  const whole = straight.point();
  const { lengths } = read.thoughts;
  return {
    request,
    label: of.label,
    model: of.model,
    thoughts: thoughtsIn(reasoning),
    ...(stopsByItself(reasoning) && lengths && { lengths: Array.from(lengths) }),
    fixed: hasFixedThoughts(reasoning),
    ids: of.ids,
    pause: of.pause.text,
    notes: notesOn(reasoning, promptOf(of.tokenizer, of.codec)),
    straight: whole,
    points: points.filter((point) => point.size > 0).map((point) => point.point()),
    results: intermediateResults(
      of.tokenizer,
      { steps: of.steps, right: whole.outcomes, seen: read.seen },
      new Rng(request.seed).fork('other thoughts'),
    ),
    milliseconds: performance.now() - start,
  };
}
