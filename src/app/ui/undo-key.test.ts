import { expect, it } from 'vitest';
import { undoKey } from './UndoButtons';

const press = (
  key: string,
  held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>>,
  isOwn = false,
) =>
  undoKey({
    ...{ ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held, key },
    // Its own undo: whether the field matches what `closest` is asked for.
    target: { closest: () => (isOwn ? {} : null) } as unknown as EventTarget,
  });

it('undoes with Ctrl+Z and redoes with Ctrl+Shift+Z or Ctrl+Y, on a Mac with Cmd', () => {
  expect(press('z', { ctrlKey: true })).toBe('undo');
  expect(press('Z', { ctrlKey: true, shiftKey: true })).toBe('redo');
  expect(press('y', { metaKey: true })).toBe('redo');
  expect([
    press('z', {}),
    press('a', { ctrlKey: true }),
    press('z', { ctrlKey: true, altKey: true }),
  ]).toEqual([null, null, null]);
});

it('leaves texts that are typed to the browser’s own undo', () => {
  expect(press('z', { ctrlKey: true }, true)).toBeNull();
});
