import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Arena, formatArena, readArenaFile } from '../contract/arena';
import { parseRunConfig } from '../contract/config';
import { tinyPair } from '../engine/testing/tiny-pair.testing';
import { lab } from './lab';

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-arena-'));
  for (const [path, bytes] of await tinyPair()) {
    const file = join(folder, 'models', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ out: string; said: string }> {
  let [out, said] = ['', ''];
  await lab([...args, '--models', join(folder, 'models'), '--threads', '1'], {
    stdout: { write: (x: string) => (out += x) },
    stderr: { write: (x: string) => (said += x) },
  });
  return { out, said };
}

const SMALL = Object.entries({
  ...{ 'data.samples': 4, 'data.validation': 0, 'data.heldOut': 6, 'lora.rank': 2, 'latent.steps': 2 },
  ...{ 'factors.layerRank': 2, 'factors.hiddenRank': 4, 'optimiser.steps': 2, 'optimiser.batch': 2 },
}).flatMap(([path, value]) => ['--set', `${path}=${value}`]);

describe('an arena, headless', () => {
  it('runs an ablation; its file continues where it stopped, and repeats its table', async () => {
    const file = join(folder, 'arena.json');
    const first = await run('arena', '--ablation', 'lori-anchor', '--seeds', '1-2', ...SMALL, '--out', file);
    const { arena } = readArenaFile(readFileSync(file, 'utf8'));
    expect(arena.runs.map(({ name, seed }) => `${name} ${seed}`)).toEqual(
      [1, 2].flatMap((seed) => ['without', 'HOSVD', 'HOOI'].map((name) => `${name} ${seed}`)),
    );
    for (const one of arena.runs) {
      expect(one).toMatchObject({ total: 6, thoughts: 2 });
      expect(one.answerMilliseconds).toBeGreaterThan(0);
    }
    expect(arena.axis).toMatchObject({ ablation: 'lori-anchor', measure: 'accuracy' });
    // The page's table, which has times, and that of the ablation.
    const [paged, table] = first.out.split('\n').filter((line) => line.startsWith('| HOSVD'));
    expect(paged?.split('|')).toHaveLength(15);
    expect(first.out).toContain('With 2 seeds the test can establish no difference, however large');
    // Two runs are removed: the plan makes the same ones again.
    const broken: Arena = { ...arena, runs: arena.runs.slice(0, 4) };
    const plan = join(folder, 'plan.json');
    writeFileSync(plan, formatArena(broken));
    const again = await run('arena', '--plan', plan, '--out', join(folder, 'again.json'));
    expect(again.said).toContain('4 runs done, 2 left');
    expect(again.out).toContain(table);
    // All but the times is the same.
    const [again1] = again.out.split('\n').filter((line) => line.startsWith('| HOSVD'));
    expect(again1?.split('|').slice(0, 8)).toEqual(paged?.split('|').slice(0, 8));
    const figures = ({ runs }: Arena) => runs.map(({ name, seed, correct }) => [name, seed, correct]);
    const repeated = readArenaFile(readFileSync(join(folder, 'again.json'), 'utf8')).arena;
    expect(figures(repeated)).toEqual(figures(arena));
  }, 60_000);

  it('takes the figures of kept students from a plan, and names those that only a browser can ask', async () => {
    const plan = join(folder, 'kept-plan.json');
    const config = parseRunConfig({ method: 'nocot', data: { samples: 4, validation: 0, heldOut: 6 } });
    const small = { ...config, optimiser: { ...config.optimiser, steps: 1, batch: 2 } };
    const arena: Arena = {
      contenders: [{ name: 'nocot', config: small }],
      ...{ seeds: [1], baseline: 'nocot' },
      kept: [
        { name: 'mine', run: 'run-1', seed: 1 },
        { name: 'late', run: 'run-2', seed: 7 },
      ],
      runs: [{ name: 'mine', seed: 1, correct: 6, total: 6, thoughts: 3 }],
    };
    writeFileSync(plan, formatArena(arena));
    const out = join(folder, 'kept-out.json');
    const { said, out: printed } = await run('arena', '--plan', plan, '--out', out);
    expect(said).toContain('late is a student that a browser keeps (run run-2)');
    expect(said).not.toContain('mine is a student');
    expect(printed).toMatch(/\| mine +\| kept student, trained on seed 1 +\| 100\.0 % +\|/);
    expect(printed).toContain('Not answered yet: late.');
    expect(printed).toContain('mine, kept student of seed 1');
    const repeated = readArenaFile(readFileSync(out, 'utf8')).arena;
    expect(repeated.kept).toEqual(arena.kept);
    expect(repeated.runs.map(({ name }) => name)).toEqual(['mine', 'nocot']);
  }, 60_000);

  it('goes on with no other weights than those of the runs so far', async () => {
    const plan = join(folder, 'weights.json');
    const config = parseRunConfig({ method: 'nocot', data: { samples: 4, validation: 0, heldOut: 6 } });
    const arena: Arena = {
      ...{ contenders: [{ name: 'nocot', config }], seeds: [1, 2], baseline: 'nocot' },
      runs: [{ name: 'nocot', seed: 1, correct: 3, total: 6, models: { 'tiny-base': '0'.repeat(64) } }],
    };
    writeFileSync(plan, formatArena(arena));
    await expect(run('arena', '--plan', plan)).rejects.toThrow('with other weights of tiny-base');
  });

  it('refuses what it would have to ignore', async () => {
    await expect(run('arena')).rejects.toThrow('needs --plan with a file');
    await expect(run('arena', '--ablation', 'nope')).rejects.toThrow(/"nope"; there are lori-steps, /);
    await expect(run('arena', '--plan', 'x.json', '--ablation', 'lori-steps')).rejects.toThrow(
      'needs --plan',
    );
    await expect(run('arena', '--ablation', 'lori-steps', '--preset', 'ce-128')).rejects.toThrow(
      '--config and --preset do not apply',
    );
    await expect(run('arena', '--plan', 'x.json', '--seeds', '1')).rejects.toThrow(
      '--seeds and --set are for',
    );
  });

  it('lists the ablations with their contenders', async () => {
    const { out } = await run('arena', '--help');
    expect(out).toMatch(/lori-samples\s+Training samples \(LoRi figure 5, right\): B = 8, B = 16/);
  });
});
