import { expect, it } from 'vitest';
import { stepKey } from './use-step-keys';

/** A key as the browser reports it; names like `Control+Shift+z`. */
function pressed(name: string, more: object = {}) {
  const parts = name.split('+');
  const has = (key: string) => parts.includes(key);
  return {
    key: parts.at(-1) as string,
    ...{ ctrlKey: has('Control'), metaKey: has('Meta'), altKey: has('Alt'), shiftKey: has('Shift') },
    ...{ target: null, defaultPrevented: false, ...more },
  };
}

it.each([
  ['ArrowRight', 'next'],
  ['ArrowLeft', 'back'],
  ['Shift+ArrowRight', 'run'],
  ['Shift+ArrowLeft', 'first'],
  ['Control+z', 'undo'],
  ['Meta+z', 'undo'],
  ['Control+y', 'redo'],
  ['Meta+y', 'redo'],
  ['Control+Shift+Z', 'redo'],
  ['Control+ArrowRight', null],
  ['Alt+ArrowLeft', null],
  ['Control+Alt+z', null],
  ['z', null],
  ['y', null],
])('%s: %s', (name, does) => {
  expect(stepKey(pressed(name))).toBe(does);
});

it('is left to fields, and to forms that have undone a change of their own', () => {
  const field = { closest: (selector: string) => (selector.includes('textarea') ? {} : null) };
  for (const name of ['ArrowRight', 'Control+z'])
    for (const more of [{ target: field }, { defaultPrevented: true }])
      expect(stepKey(pressed(name, more) as never)).toBeNull();
});
