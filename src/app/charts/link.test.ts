import { expect, it } from 'vitest';
import { hoverLink } from './link';

it('a link tells of changes only, and what is pointed at outranks what is held', () => {
  const link = hoverLink();
  const heard: (string | null)[] = [];
  const leave = link.subscribe(() => heard.push(link.key()));
  link.point(null);
  link.hold('a');
  link.hold('a');
  link.point('b');
  link.hold('c');
  link.point('b');
  link.point(null);
  link.hold(null);
  leave();
  link.point('d');
  expect(heard).toEqual(['a', 'b', 'c', null]);
});

it('a listener may leave while it is told', () => {
  const link = hoverLink();
  const heard: string[] = [];
  const leave = link.subscribe(() => {
    heard.push('first');
    leave();
  });
  link.subscribe(() => heard.push('second'));
  link.point('a');
  link.point('b');
  expect(heard).toEqual(['first', 'second', 'second']);
});
