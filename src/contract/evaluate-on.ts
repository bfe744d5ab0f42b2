import type { Workbench } from './calls';
import {
  BEGUN_OTHERWISE,
  type EvaluatedItem,
  type Evaluation,
  type EvaluationHead,
  type EvaluationRequest,
  requestKey,
} from './evaluation';
import type { Progress } from './events';

export interface EvaluateOnOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether other weights or problems are refused, rather than begun anew with; default false. */
  readonly isContinued?: boolean;
  readonly onProgress?: (progress: Progress) => void;
  /** Sees the evaluation as far as it has come, with every answer that comes. */
  readonly onAnswers?: (soFar: Evaluation) => void;
}

/**
 * An evaluation that goes on with the answers that the same weights gave to the same request and problems before, if there are
 * some, and otherwise begins anew. @param begun those that may be of the same weights and problems
 * @throws what the engine does
 */
export async function evaluateOn(
  workbench: Pick<Workbench, 'evaluate'>,
  request: EvaluationRequest,
  begun: readonly Evaluation[],
  options: EvaluateOnOptions = {},
): Promise<Evaluation> {
  for (const one of begun)
    try {
      return await ask(workbench, request, one, options);
    } catch (error) {
      if ((error as Error).name !== BEGUN_OTHERWISE || options.isContinued) throw error;
    }
  return ask(workbench, request, undefined, options);
}

/** Those of the list that are of the same request. */
export const sameRequest = <E extends Pick<Evaluation, 'request'>>(
  list: readonly E[],
  request: EvaluationHead['request'],
): readonly E[] => list.filter((one) => requestKey(one.request) === requestKey(request));

async function ask(
  workbench: Pick<Workbench, 'evaluate'>,
  request: EvaluationRequest,
  begun: Evaluation | undefined,
  { signal, onProgress, onAnswers }: EvaluateOnOptions,
): Promise<Evaluation> {
  let head: EvaluationHead | undefined;
  const items: EvaluatedItem[] = [...(begun?.items ?? [])];
  const soFar = (): Evaluation => ({ ...(head as EvaluationHead), items: [...items] });
  await workbench.evaluate(
    {
      ...request,
      ...(begun && { known: items.map(({ id }) => id), identity: begun.identity, data: begun.data }),
    },
    {
      ...(signal && { signal }),
      report(event) {
        if ('phase' in event) return onProgress?.(event);
        if (event.kind === 'evaluation') head = event.head;
        else items.push(...event.items);
        onAnswers?.(soFar());
      },
    },
  );
  return soFar();
}
