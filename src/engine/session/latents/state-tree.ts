import { writeInterventions } from '../../../contract/intervention-text';
import { feltFrom, type Intervention } from '../../../contract/latents';
import type { DecoderState } from '../../decode/state';
import type { Advanced, ThoughtRunner } from './thought-runner';

/** Bytes that the states of all branches of a question may take together; the one in use is kept whatever it takes. */
export const MAX_BRANCH_BYTES = 128 * 2 ** 20;
/** Nodes remembered without their states: what was fed, and how long it took. */
const MAX_NODES = 512;

/** Some thoughts in a row, with what was done to each. Branches that begin alike share their nodes. */
export interface ThoughtNode {
  readonly key: string;
  readonly step: number;
  readonly changed: Advanced['changed'];
  readonly milliseconds: number;
  /** All steps from the question on. */
  readonly total: number;
  /** Absent once dropped; it can be replayed. */
  state: DecoderState | undefined;
}

/** A node whose state is there, and how many passes were run for it (reading the question counts as one). */
export interface Reached {
  readonly node: ThoughtNode;
  readonly state: DecoderState;
  readonly ran: number;
}

/**
 * The states of one question under all branches tried so far: a branch continues from the last state that it shares with
 * another, and what it does not touch is not run again. Beyond a limit of bytes the states used longest ago are dropped, and
 * replayed when they are needed: to the same bits.
 */
export class StateTree {
  /** Least recently used first. */
  private readonly nodes = new Map<string, ThoughtNode>();
  /** What is being continued from: an intervention may ask for other states meanwhile. */
  private readonly pinned = new Set<ThoughtNode>();

  constructor(
    private readonly runner: ThoughtRunner,
    /** Reads the question, with the interventions on it. */
    private readonly begin: (interventions: readonly Intervention[]) => Promise<Advanced>,
    private readonly maxBytes = MAX_BRANCH_BYTES,
  ) {}

  /** The state after `step` thoughts. Interventions at later steps, and at the prompt, make no difference. */
  async at(interventions: readonly Intervention[], step: number): Promise<Reached> {
    const own = (t: number): Intervention[] => interventions.filter((one) => feltFrom(one) === t);
    const keys = [`question | ${writeInterventions(own(0))}`];
    for (let t = 1; t <= step; t++) keys.push(`${keys[t - 1]} | ${writeInterventions(own(t))}`);
    let from = step;
    while (from >= 0 && !this.nodes.get(keys[from] as string)?.state) from--;
    let node = this.use(this.nodes.get(keys[from] ?? ''));
    for (let t = from + 1; t <= step; t++) {
      const made = node ? await this.after(node, own(t)) : await this.begin(own(0));
      node = this.use({
        key: keys[t] as string,
        step: t,
        ...made,
        total: (node?.total ?? 0) + made.milliseconds,
      });
      this.shrink(node as ThoughtNode);
    }
    const { state } = node as ThoughtNode;
    return { node: node as ThoughtNode, state: state as DecoderState, ran: step - from };
  }

  /** Bytes of all states that are kept. */
  get bytes(): number {
    let sum = 0;
    for (const { state } of this.nodes.values()) sum += state?.bytes ?? 0;
    return sum;
  }

  dispose(): void {
    for (const { state } of this.nodes.values()) state?.dispose();
    this.nodes.clear();
  }

  private after(node: ThoughtNode, interventions: readonly Intervention[]): Promise<Advanced> {
    return this.keeping(node, () => this.runner.advance(node.state as DecoderState, interventions));
  }

  /** Works while a node's state is not dropped. */
  async keeping<R>(node: ThoughtNode, work: () => Promise<R>): Promise<R> {
    // Nested: what is pinned outside stays so.
    const isOurs = !this.pinned.has(node);
    this.pinned.add(node);
    try {
      return await work();
    } finally {
      if (isOurs) this.pinned.delete(node);
    }
  }

  private use(node: ThoughtNode | undefined): ThoughtNode | undefined {
    if (!node) return undefined;
    this.nodes.delete(node.key);
    this.nodes.set(node.key, node);
    return node;
  }

  private shrink(inUse: ThoughtNode): void {
    let bytes = this.bytes;
    for (const node of this.nodes.values()) {
      if (node === inUse || this.pinned.has(node)) continue;
      const dropped = bytes > this.maxBytes && node.state;
      if (dropped) {
        bytes -= dropped.bytes;
        dropped.dispose();
        node.state = undefined;
      }
      if (this.nodes.size > MAX_NODES && !node.state) this.nodes.delete(node.key);
    }
  }
}
