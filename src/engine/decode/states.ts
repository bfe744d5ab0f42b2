import { Graph, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import { latentOf } from '../nn/feedback';
import {
  type Continued,
  type QuestionRun,
  type Read,
  runContinuation,
  runLatent,
  runQuestion,
  runVectors,
} from '../nn/latent';
import { learnedRows } from '../nn/learned';
import { NO_PARAMETERS, type ParameterSpecs } from '../nn/parameters';
import { placed } from '../nn/positions';
import { causalMask, embed, runStack, type StackModel, type StackOutput, stackModel } from '../nn/stack';
import { feedbackOf, type JacobiStage, positionsIn, type Reasoning, type Stage } from './reasoning';

/**
 * A pass whose hidden states are read at every position. B sequences: a question left-padded to S columns, the positions
 * fed by the stages, and R columns of given tokens, right-padded. S = 0 leaves out question and stages: all tokens are
 * given, with no left padding.
 */
export interface StatesShape {
  readonly config: DecoderConfig;
  readonly batch: number;
  readonly question: number;
  readonly reasoning: Reasoning;
  readonly rest: number;
  /** The trained values; those of adapters that do not run and of unused modules are not read. */
  readonly parameters?: ParameterSpecs | undefined;
  /**
   * P layers whose states are read, ascending, of 0 … L: 0 is what the first layer is fed. Default 1 … L. See `layersRun` for those
   * above the highest.
   */
  readonly layers?: readonly number[] | undefined;
}

/** Names of the inputs besides weights and parameters. */
export const STATES_INPUTS = {
  question: 'question',
  keyMask: 'keyMask',
  rest: 'rest',
  /** i32 [B, n] of a stage of tokens. */
  tokens: (stage: number) => `stage ${stage}`,
} as const;

/** Number of columns of a pass. */
export const columnsOf = ({ question, reasoning, rest }: Omit<StatesShape, 'config' | 'batch'>): number =>
  question + (question === 0 ? 0 : positionsIn(reasoning)) + rest;

const layersOf = ({ config, layers }: Pick<StatesShape, 'config' | 'layers'>): readonly number[] =>
  layers ?? Array.from({ length: config.layers }, (_, l) => l + 1);

/**
 * How many layers a pass runs, from the first: those up to the highest that is read, or all where a thought is made of final hidden
 * states. The weights of the others are not read.
 */
export const layersRun = (
  shape: Pick<StatesShape, 'config' | 'question' | 'reasoning' | 'layers'>,
): number =>
  shape.question > 0 && feedbackOf(shape.reasoning) ? shape.config.layers : Math.max(...layersOf(shape));

/** `states` [B, S + stages + R, P, H]: hidden_states at P layers of every column; those of padding are meaningless. */
export function statesProgram(shape: StatesShape): Program {
  const { config, batch: B, question: S, reasoning, rest: R, parameters = NO_PARAMETERS } = shape;
  const layers = layersOf(shape);
  const graph = new Graph();
  const model = stackModel(graph, config, parameters, reasoning.adapters);
  /** By layer [B·C, H] → [B, C, P, H]. What no layer that is read depends on is dead code, and so are its weights. */
  const byColumn = ({ input, hidden }: StackOutput, C: number): Tensor =>
    o.concat(
      layers.map((l) => o.reshape(l === 0 ? input : (hidden[l - 1] as Tensor), [B, C, 1, config.hiddenSize])),
      2,
    );
  const parts: Tensor[] = [];
  const restIds = (): Tensor => graph.input(STATES_INPUTS.rest, [B, R], 'i32');
  if (S === 0) {
    const mask = causalMask(graph, R, R);
    const place = { batch: B, positions: R, from: 0 };
    const x = placed(model, embed(model, restIds()), place);
    const run = runStack(model, { x, ...place, mask, past: undefined });
    parts.push(byColumn(run, R));
  } else {
    const keyMask = graph.input(STATES_INPUTS.keyMask, [B, 1, 1, S]);
    const question = runQuestion(model, graph.input(STATES_INPUTS.question, [B, S], 'i32'), keyMask, {
      lastOnly: false,
    });
    parts.push(byColumn(question, S));
    let before: Read = question;
    for (const [i, stage] of reasoning.stages.entries())
      for (const part of runStage(model, question, before, stage, STATES_INPUTS.tokens(i))) {
        parts.push(byColumn(part, part.columns - before.columns));
        before = part;
      }
    if (R > 0) parts.push(byColumn(runContinuation(model, question, before, restIds(), 'rest'), R));
  }
  return { name: 'states', outputs: { states: o.concat(parts, 1) } };
}

/** The passes over a stage's columns. */
function runStage(
  model: StackModel,
  question: QuestionRun,
  before: Read,
  stage: Stage,
  tokens: string,
): Continued[] {
  const { graph } = model;
  const B = question.batch;
  if (stage.kind === 'tokens') {
    const ids = graph.input(tokens, [B, stage.ids.length], 'i32');
    const from = { ...before, skipped: (before.skipped ?? 0) + (stage.skip ?? 0) };
    return stage.ids.length === 0 ? [] : [runContinuation(model, question, from, ids, 'tokens')];
  }
  if (stage.kind === 'embeddings') {
    const rows = learnedRows(model.parameter(stage.parameter), stage.rows, B);
    return stage.rows.length === 0 ? [] : [runVectors(model, question, before, rows, 'embeddings')];
  }
  if (stage.kind === 'jacobi') return [runJacobi(model, question, before, stage)];
  const each: Continued[] = [];
  for (let t = 0; t < stage.steps; t++)
    each.push(runLatent(model, question, each.at(-1) ?? before, stage.feedback));
  return each;
}

function runJacobi(
  model: StackModel,
  question: QuestionRun,
  before: Read,
  { parameter, row, count: c, iterations, feedback }: JacobiStage,
): Continued {
  const B = question.batch;
  const H = model.config.hiddenSize;
  const made = (h: Tensor): Tensor => latentOf(model, h, feedback, model.parameter);
  const first = o.reshape(made(before.last), [B, 1, H]);
  const copies = learnedRows(model.parameter(parameter), new Array<number>(c).fill(row), B);
  let run = runVectors(model, question, before, copies, 'run 0');
  for (let t = 1; t <= iterations; t++) {
    const finals = run.hidden[run.hidden.length - 1] as Tensor;
    const others = o.slice(o.reshape(made(finals), [B, c, H]), 1, 0, c - 1);
    const x = c === 1 ? first : o.concat([first, others], 1);
    run = runVectors(model, question, before, o.reshape(x, [B * c, H]), `run ${t}`);
  }
  return run;
}
