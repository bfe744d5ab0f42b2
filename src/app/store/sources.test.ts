import { describe, expect, it } from 'vitest';
import type { DownloadPlan } from '../../storage/checkpoint-rows';
import { isWhole, keyOf, roomFor } from './sources';

const FILE = { path: 'config.json', size: 20, sha256: null, gitSha1: 'a'.repeat(40) };

/** From a host that gives no commit. */
const planOf = (gitSha1: string): DownloadPlan => ({
  version: 1,
  base: 'https://mirror.example',
  id: 'org/name',
  revision: 'main',
  commit: null,
  licence: null,
  startedAt: 1,
  files: [{ ...FILE, gitSha1 }],
});

const wholeOf = (plan: DownloadPlan) => {
  const { startedAt: finishedAt, ...rest } = plan;
  const files = plan.files.map((file) => ({ ...file, storedAs: file.path, proof: 'git-sha1' as const }));
  return { key: keyOf(plan), bytes: 20, manifest: { ...rest, finishedAt, files } };
};

const begunOf = (plan: DownloadPlan) => ({
  key: keyOf(plan),
  plan,
  isUnderWay: false,
  received: 15,
  bytes: 20,
});

describe('what is stored of a repository without a commit', () => {
  const [plan, other] = [planOf('a'.repeat(40)), planOf('b'.repeat(40))];
  const room = { used: 60, quota: 100 };

  it('is the model that is offered only if its files have the hashes that are listed now', () => {
    expect(isWhole(plan, { whole: [wholeOf(plan)] })).toBe(true);
    expect(isWhole(other, { whole: [wholeOf(plan)] })).toBe(false);
  });

  it('is no part of another version’s download, which takes its room', () => {
    const library = { whole: [], unfinished: [begunOf(plan)] };
    expect(roomFor(plan, library, room)).toEqual({ received: 15, free: 40 });
    expect(roomFor(other, library, room)).toEqual({ received: 0, free: 55 });
    const stored = { whole: [wholeOf(plan)], unfinished: [] };
    expect(roomFor(other, stored, room)).toEqual({ received: 0, free: 60 });
    expect(roomFor(other, stored, null)).toEqual({ received: 0, free: null });
  });
});
