import { writeInterventions } from '../../contract/intervention-text';
import { feltFrom, type Intervention } from '../../contract/latents';

/** One attempt at a question: a node of a tree in which every branch adds interventions to its parent's. */
export interface Branch {
  readonly id: number;
  /** `null` for the root, which is the unmodified run. */
  readonly parent: number | null;
  /** Given by the user; otherwise its interventions name it. */
  readonly name: string | null;
  /** The interventions it adds. */
  readonly interventions: readonly Intervention[];
}

export interface Branches {
  /** Parents before their children; the first is the root. */
  readonly list: readonly Branch[];
  readonly current: number;
  /** The branch that answers are compared with. */
  readonly reference: number;
  /** Branches left by undoing, the most recently left at the end. */
  readonly undone: readonly number[];
}

const ROOT: Branch = { id: 0, parent: null, name: 'Unmodified', interventions: [] };
export const initialBranches: Branches = { list: [ROOT], current: 0, reference: 0, undone: [] };

export const branchOf = ({ list }: Branches, id: number): Branch =>
  list.find((branch) => branch.id === id) ?? ROOT;

/** All interventions of a branch, its parents' first. */
export function interventionsOf(branches: Branches, id: number = branches.current): Intervention[] {
  const { parent, interventions } = branchOf(branches, id);
  return parent === null ? [...interventions] : [...interventionsOf(branches, parent), ...interventions];
}

/** A key shared by moments that show the same: those after equal thoughts on an equal question. */
export const momentKey = (interventions: readonly Intervention[], step: number): string =>
  `${step} ${writeInterventions(
    Array.from({ length: step + 1 }, (_, t) => interventions.filter((one) => feltFrom(one) === t)).flat(),
  )}`;

/** The same for answers, where the prompts must be equal too. */
export const answerKey = (interventions: readonly Intervention[], step: number): string =>
  `${momentKey(interventions, step)} ${writeInterventions(interventions.filter(({ of }) => of === 'prompt'))}`;

/** Adds a child to the current branch and makes it current. */
export function grow(
  branches: Branches,
  interventions: readonly Intervention[],
  name: string | null = null,
): Branches {
  const { list, current } = branches;
  const id = Math.max(...list.map((branch) => branch.id)) + 1;
  const made: Branch = { id, parent: current, name, interventions };
  return { ...branches, list: [...list, made], current: id, undone: [] };
}

export const canUndo = ({ list, current }: Branches): boolean =>
  list.some(({ id, parent }) => id === current && parent !== null);
export const canRedo = ({ undone }: Branches): boolean => undone.length > 0;

/** Back to the parent; the branch stays in the tree. */
export function undo(branches: Branches): Branches {
  const { parent } = branchOf(branches, branches.current);
  if (parent === null) return branches;
  return { ...branches, current: parent, undone: [...branches.undone, branches.current] };
}

/** Forward to the branch left most recently. */
export function redo(branches: Branches): Branches {
  const next = branches.undone.at(-1);
  if (next === undefined) return branches;
  return { ...branches, current: next, undone: branches.undone.slice(0, -1) };
}

export const choose = (branches: Branches, id: number): Branches =>
  branches.list.some((branch) => branch.id === id) ? { ...branches, current: id, undone: [] } : branches;

export const refer = (branches: Branches, reference: number): Branches =>
  branches.list.some(({ id }) => id === reference) ? { ...branches, reference } : branches;

export function rename(branches: Branches, id: number, name: string): Branches {
  const given = name.trim().slice(0, 80) || null;
  return {
    ...branches,
    list: branches.list.map((branch) => (branch.id === id && id !== 0 ? { ...branch, name: given } : branch)),
  };
}

/** Removes a branch and its descendants. The root stays. */
export function prune(branches: Branches, id: number): Branches {
  const { parent } = branchOf(branches, id);
  if (parent === null) return branches;
  const gone = new Set([id]);
  for (const branch of branches.list)
    if (branch.parent !== null && gone.has(branch.parent)) gone.add(branch.id);
  return {
    list: branches.list.filter((branch) => !gone.has(branch.id)),
    current: gone.has(branches.current) ? parent : branches.current,
    reference: gone.has(branches.reference) ? 0 : branches.reference,
    undone: branches.undone.filter((one) => !gone.has(one)),
  };
}

/** How far a branch is from the root. */
export const depthOf = (branches: Branches, { parent }: Branch): number =>
  parent === null ? 0 : 1 + depthOf(branches, branchOf(branches, parent));

/** The branches in depth-first order: each followed by its descendants. */
export function inTreeOrder(branches: Branches, parent: number | null = null): Branch[] {
  return branches.list
    .filter((branch) => branch.parent === parent)
    .flatMap((branch) => [branch, ...inTreeOrder(branches, branch.id)]);
}

export const branchName = ({ name, interventions }: Branch): string =>
  name ?? writeInterventions(interventions);
