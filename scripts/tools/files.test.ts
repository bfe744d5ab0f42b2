import { describe, expect, it } from 'vitest';
import { hasFile, readFile, readJson } from './files';

const shared = await hasFile('shared', 'checkpoints/stories260K/config.json');

describe('files read by name', () => {
  it('are reported absent, and reading them names them', async () => {
    expect(await hasFile('models', 'absent.json')).toBe(false);
    await expect(readFile('models', 'absent.json')).rejects.toThrow('no file absent.json in models');
  });

  it.skipIf(!shared)('are read from the shared folder', async () => {
    const config = await readJson<{ model_type: string }>('shared', 'checkpoints/stories260K/config.json');
    expect(config.model_type).toBe('llama');
  });
});
