import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { hasFile, readFile, readJson } from '../../../scripts/tools/files';
import golden from './questions.golden.json';
import { loadTokenizer } from './tokenizer';

const DATA = 'data/gsm8k-train-1024.jsonl';

// Hashes by an independent BPE: scripts/goldens/tokenizer/questions.py.
for (const name of ['qwen2.5', 'smollm2'] as const) {
  const place = `tokenizers/${name}/tokenizer`;
  const missing: string[] = [];
  for (const file of [DATA, `${place}.json`]) if (!(await hasFile('shared', file))) missing.push(file);
  const why = missing.length > 0 ? `; skipped: the shared folder lacks ${missing.join(' and ')}` : '';

  it.skipIf(missing.length > 0)(`1,000 GSM8K questions have the ids of ${name}, by hash${why}`, async () => {
    const t = await loadTokenizer(
      await readJson('shared', `${place}.json`),
      await readJson('shared', `${place}_config.json`),
    );
    const lines = new TextDecoder()
      .decode(await readFile('shared', DATA))
      .split('\n')
      .slice(0, 1000);
    const rows = lines.map((line) => t.encode((JSON.parse(line) as { question: string }).question));
    expect(rows.reduce((n, ids) => n + ids.length, 0)).toBe(golden[name].tokens);
    const hashes = Array.from({ length: 10 }, (_, part) => {
      const hash = createHash('sha256');
      for (const ids of rows.slice(100 * part, 100 * part + 100)) hash.update(`${ids.join(' ')}\n`);
      return hash.digest('hex');
    });
    expect(hashes).toEqual(golden[name].sha256);
  });
}
