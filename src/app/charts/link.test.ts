import { expect, it } from 'vitest';
import { hoverLink } from './link';

it('reports changes only; a hovered item takes precedence over a pinned one', () => {
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

it('lets a listener unsubscribe while it is being called', () => {
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
