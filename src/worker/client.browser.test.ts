import { expect, it } from 'vitest';
import { connect } from './client';

const start = () => new Worker(new URL('./mortal.testing.ts', import.meta.url), { type: 'module' });

it('notices at once that a worker has closed itself, before the silence limit', async () => {
  const client = connect(start(), { heartbeat: 50, silence: 60_000 });
  const told = new Promise<Error>((resolve) => client.onDeath(resolve));
  await client.control('resume');
  const from = performance.now();
  await expect(client.control('stop')).rejects.toMatchObject({ code: 'worker' });
  expect((await told).message).toBe('the engine stopped without reporting an error');
  expect(performance.now() - from).toBeLessThan(10_000);
});

it('does not terminate a worker that computes for longer than the silence limit', async () => {
  const client = connect(start(), { heartbeat: 20, silence: 400 });
  await client.control('resume');
  await client.control('pause');
  await client.control('pause');
  client.dispose();
});

it('reports a worker whose script does not load', async () => {
  const client = connect(new Worker('/absent-worker.js', { type: 'module' }));
  await expect(client.control('pause')).rejects.toMatchObject({
    code: 'worker',
    message: expect.stringContaining('did not load'),
  });
});
