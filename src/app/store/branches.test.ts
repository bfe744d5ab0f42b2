import { expect, it } from 'vitest';
import { readInterventions, writeInterventions } from '../../contract/intervention-text';
import {
  answerKey,
  branchName,
  canRedo,
  canUndo,
  choose,
  depthOf,
  grow,
  initialBranches,
  inTreeOrder,
  interventionsOf,
  momentKey,
  prune,
  redo,
  refer,
  rename,
  undo,
} from './branches';

const read = readInterventions;
const text = (branches: typeof initialBranches, id?: number) =>
  writeInterventions(interventionsOf(branches, id));

it('grows a tree in which a branch has its parents’ interventions before its own', () => {
  let all = grow(initialBranches, read('z1:zero'));
  all = grow(all, read('z2:scale(2)'), 'doubled');
  expect([all.current, text(all)]).toEqual([2, 'z1:zero;z2:scale(2)']);
  all = grow(choose(all, 1), read('z3:zero'));
  expect(text(all)).toBe('z1:zero;z3:zero');
  expect(inTreeOrder(all).map((branch) => [branch.id, depthOf(all, branch), branchName(branch)])).toEqual([
    [0, 0, 'Unmodified'],
    [1, 1, 'z1:zero'],
    [2, 2, 'doubled'],
    [3, 2, 'z3:zero'],
  ]);
});

it('undoes and redoes along the tree without losing anything', () => {
  const grown = grow(grow(initialBranches, read('z1:zero')), read('z2:zero'));
  const back = undo(undo(grown));
  expect([back.current, canUndo(back), canRedo(back)]).toEqual([0, false, true]);
  expect(undo(back)).toBe(back);
  expect(redo(redo(back)).current).toBe(2);
  expect(canRedo(redo(redo(back)))).toBe(false);
  // Growing a new branch after undoing leaves nothing to redo, but the other branches are still there.
  const other = grow(undo(grown), read('z3:zero'));
  expect([other.current, canRedo(other), other.list.length]).toEqual([3, false, 4]);
  expect(canRedo(choose(back, 1))).toBe(false);
});

it('prunes a branch with its descendants, never the root', () => {
  let all = grow(grow(initialBranches, read('z1:zero')), read('z2:zero'));
  all = refer(grow(choose(all, 0), read('z3:zero')), 2);
  const pruned = prune(choose(all, 2), 1);
  expect(pruned).toMatchObject({ current: 0, reference: 0 });
  expect(pruned.list.map(({ id }) => id)).toEqual([0, 3]);
  expect(prune(pruned, 0)).toBe(pruned);
  expect(grow(pruned, read('z1:zero')).current).toBe(4);
});

it('names branches, by their interventions if they have no name', () => {
  const all = grow(initialBranches, read('z1:zero'));
  expect(branchName(rename(all, 1, '  blank ').list[1]!)).toBe('blank');
  expect(branchName(rename(rename(all, 1, 'x'), 1, ' ').list[1]!)).toBe('z1:zero');
  expect(rename(all, 0, 'x').list[0]?.name).toBe('Unmodified');
});

it('has one key for moments after equal thoughts, whatever comes later or in whichever order', () => {
  const [one, other] = [read('z1:zero;z3:zero'), read('z3:scale(2);z1:zero')];
  expect(momentKey(one, 2)).toBe(momentKey(other, 2));
  expect(momentKey(one, 3)).not.toBe(momentKey(other, 3));
  expect(momentKey(one, 0)).toBe(momentKey([], 0));
  // A change to the question affects everything, one to the prompt only answers.
  const [question, prompt] = [read('q1:zero'), read('p1:zero')];
  expect(momentKey(question, 0)).not.toBe(momentKey([], 0));
  expect(momentKey(prompt, 3)).toBe(momentKey([], 3));
  expect(answerKey(prompt, 0)).not.toBe(answerKey([], 0));
});
