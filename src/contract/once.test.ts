import { expect, it, vi } from 'vitest';
import { METHODS } from './methods/index';
import { once } from './once';

it('makes a value when it is first asked for, and never again, undefined included', () => {
  const make = vi.fn(() => undefined);
  const value = once(make);
  expect(make).not.toHaveBeenCalled();
  value();
  value();
  expect(make).toHaveBeenCalledTimes(1);
});

it('a method’s settings are the same schemas whenever asked for: what a person reads of them is known by the schema', () => {
  for (const { settings } of METHODS) {
    const first = settings();
    expect(Object.keys(first).length).toBeGreaterThan(0);
    expect(settings()).toBe(first);
  }
});
