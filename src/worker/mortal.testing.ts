/** A worker that serves one call, `control`: `pause` blocks for half a second, `stop` closes the worker. */
import type { Workbench } from '../contract/calls';
import { serve } from './serve';

const control: Workbench['control'] = async (command) => {
  if (command === 'stop') {
    self.close();
    await new Promise(() => {});
  }
  const until = performance.now() + (command === 'pause' ? 500 : 0);
  while (performance.now() < until);
};
serve(self as unknown as Parameters<typeof serve>[0], { control } as Workbench);
