import { expect, it } from 'vitest';
import { LoopControl } from './control';

it('a pause ends with the error that it is interrupted with, and not as if it had been resumed', async () => {
  const control = new LoopControl();
  const states: string[] = [];
  control.onState = (state) => states.push(state);
  control.pause();
  const passed = control.pass();
  await new Promise((resolve) => setTimeout(resolve));
  expect(states).toEqual(['paused']);
  control.interrupt(new Error('the GPU device was lost'));
  await expect(passed).rejects.toThrow('the GPU device was lost');
  expect(states).toEqual(['paused']);
});

it('a loop that is not paused passes: it meets what happened by itself', async () => {
  const control = new LoopControl();
  control.interrupt(new Error('the GPU device was lost'));
  await expect(control.pass()).resolves.toBeUndefined();
});
