import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE } from '../../text/quote';
import { allocate, DTYPE_BYTES } from './dtype';
import { CancelledError, InputError, LoriError, NumericError, throwIfCancelled } from './errors';
import { broadcastShape, normalAxis, sameShape, showShape, sizeOf } from './shape';

describe('errors', () => {
  it('carry code, name, hint and cause', () => {
    const cause = new Error('below');
    const error = new InputError('what', 'do this', { cause });
    expect(error).toBeInstanceOf(LoriError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(NumericError);
    expect(error).toMatchObject({
      name: 'InputError',
      code: 'input',
      message: 'what',
      hint: 'do this',
      cause,
    });
    expect(new NumericError('x').hint).toMatch(/^Lower the learning rate/);
  });

  it('are bounded, whatever they contain', () => {
    const { message, hint } = new InputError('x'.repeat(1e6), 'y'.repeat(1e6));
    expect([message.length, hint.length]).toEqual([MAX_MESSAGE, MAX_MESSAGE]);
  });

  it('are thrown only for an aborted signal', () => {
    const abort = new AbortController();
    throwIfCancelled(undefined, 'nothing');
    throwIfCancelled(abort.signal, 'nothing');
    abort.abort();
    expect(() => throwIfCancelled(abort.signal, 'the walk')).toThrow(CancelledError);
    expect(() => throwIfCancelled(abort.signal, 'the walk')).toThrow('the walk was cancelled');
  });
});

describe('shapes', () => {
  it('have sizes and texts', () => {
    expect(sizeOf([])).toBe(1);
    expect(sizeOf([2, 0, 3])).toBe(0);
    expect(showShape([2, 3])).toBe('[2, 3]');
    expect(sameShape([2, 3], [2, 3])).toBe(true);
    expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
    expect(sameShape([2, 3], [3, 2])).toBe(false);
  });

  // numpy.broadcast_shapes
  it.each<[number[], number[], number[] | undefined]>([
    [[3], [], [3]],
    [
      [2, 1, 4],
      [3, 1],
      [2, 3, 4],
    ],
    [[1], [5, 1], [5, 1]],
    [
      [0, 1],
      [1, 4],
      [0, 4],
    ],
    [[2, 3], [3, 2], undefined],
    [[2, 3], [2], undefined],
  ])('broadcast %j with %j to %j', (a, b, expected) => {
    expect(broadcastShape(a, b)).toEqual(expected);
    expect(broadcastShape(b, a)).toEqual(expected);
  });

  it('count axes from either end', () => {
    expect([normalAxis(-1, 3), normalAxis(2, 3), normalAxis(-3, 3)]).toEqual([2, 2, 0]);
    for (const axis of [3, -4, 0.5, Number.NaN]) expect(normalAxis(axis, 3)).toBeUndefined();
  });
});

describe('dtypes', () => {
  it('allocate what they take', () => {
    for (const dtype of ['f32', 'i32', 'bool'] as const) {
      expect(allocate(dtype, 3)).toHaveLength(3);
      expect(allocate(dtype, 3).BYTES_PER_ELEMENT).toBe(DTYPE_BYTES[dtype]);
    }
  });
});
