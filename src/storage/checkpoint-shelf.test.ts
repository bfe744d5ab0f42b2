import { describe, expect, it } from 'vitest';
import { type DownloadPlan, keyOf, type RemoteFile } from './checkpoint-rows';
import { MANIFEST, openShelf, PLAN, type Shelf } from './checkpoint-shelf';
import { FakeDisk } from './fake-opfs.testing';

const OLD: RemoteFile = { path: 'config.json', size: 20, sha256: null, gitSha1: 'a'.repeat(40) };
const NEW: RemoteFile = { ...OLD, gitSha1: 'b'.repeat(40) };
const WEIGHTS: RemoteFile = { path: 'model.safetensors', size: 50, sha256: 'c'.repeat(64), gitSha1: null };
const bytes = (size: number, value: number) => new Uint8Array(size).fill(value);

/** From a host that gives no commit. */
const planOf = (...files: RemoteFile[]): DownloadPlan => ({
  version: 1,
  base: 'https://mirror.example',
  id: 'org/name',
  revision: 'main',
  commit: null,
  licence: null,
  startedAt: 1,
  files,
});

async function put(shelf: Shelf, file: RemoteFile, value: number) {
  const part = (await shelf.open(file))!;
  part.append(bytes(file.size - part.size, value));
  part.close();
  await shelf.keep(file);
}

const filesOf = (disk: FakeDisk, plan: DownloadPlan) => disk.root.folders.get(keyOf(plan))!.files;
const textOf = (disk: FakeDisk, plan: DownloadPlan, name: string) =>
  new TextDecoder().decode(filesOf(disk, plan).get(name)?.bytes);

describe('a folder shared by two versions of a repository', () => {
  it('gives up the files whose hashes differ in the new listing, and keeps the others', async () => {
    const disk = new FakeDisk();
    const first = await openShelf(disk.root, planOf(OLD, WEIGHTS));
    await put(first, OLD, 1);
    const begun = (await first.open(WEIGHTS))!;
    begun.append(bytes(30, 1));
    begun.close();
    const plan = planOf(NEW, WEIGHTS);
    expect(keyOf(plan)).toBe(keyOf(planOf(OLD, WEIGHTS)));

    const second = await openShelf(disk.root, plan);
    const config = await second.open(NEW);
    expect(config?.size).toBe(0);
    expect((await second.open(WEIGHTS))?.size).toBe(30);
    await put(second, NEW, 2);
    await put(second, WEIGHTS, 1);
    const manifest = await second.finish(new Map());
    expect(manifest.files[0]).toMatchObject({ gitSha1: NEW.gitSha1, proof: 'git-sha1' });
    expect(filesOf(disk, plan).get('config.json')?.bytes).toEqual(bytes(20, 2));
  });

  it('is no longer the whole checkpoint that it was, as soon as one of its files is another', async () => {
    const disk = new FakeDisk();
    const first = await openShelf(disk.root, planOf(OLD));
    await put(first, OLD, 1);
    await first.finish(new Map());
    // The same listing again changes nothing.
    expect(await (await openShelf(disk.root, planOf(OLD))).open(OLD)).toBeNull();
    expect(filesOf(disk, planOf(OLD)).has(MANIFEST)).toBe(true);
    await openShelf(disk.root, planOf(NEW));
    expect([...filesOf(disk, planOf(NEW)).keys()]).toEqual([PLAN]);
  });

  it('gives up what nothing says the content of, unless a commit does', async () => {
    for (const commit of [null, 'd'.repeat(40)]) {
      const disk = new FakeDisk();
      const plan = { ...planOf(OLD), commit };
      await put(await openShelf(disk.root, plan), OLD, 1);
      filesOf(disk, plan).get(PLAN)!.resize(0);
      const again = await (await openShelf(disk.root, plan)).open(OLD);
      expect(again?.size).toBe(commit === null ? 0 : undefined);
    }
  });

  it('does not call a file checked by a hash that its host lists only now', async () => {
    const disk = new FakeDisk();
    const commit = 'd'.repeat(40);
    const bare = { ...OLD, gitSha1: null };
    await put(await openShelf(disk.root, { ...planOf(bare), commit }), bare, 1);
    expect((await (await openShelf(disk.root, { ...planOf(OLD), commit })).open(OLD))?.size).toBe(0);
  });
});

describe.each(['short', 'throws'] as const)('a disk that is full (a write %s)', (whenFull) => {
  const full = {
    code: 'storage',
    message: expect.stringMatching(/only \d+ of \d+ bytes could be written/),
    hint: expect.stringContaining('resume the download'),
  };

  it('ends a download with what arrived before, and the rest arrives once there is room', async () => {
    const disk = new FakeDisk();
    disk.whenFull = whenFull;
    const plan = planOf(WEIGHTS);
    const shelf = await openShelf(disk.root, plan);
    const part = (await shelf.open(WEIGHTS))!;
    disk.room = 35;
    part.append(bytes(30, 1));
    expect(() => part.append(bytes(20, 2))).toThrow(
      expect.objectContaining({
        ...full,
        message: expect.stringContaining('model.safetensors: only 30 of 50'),
      }),
    );
    part.close();
    // Nothing of the bytes of which it is unknown how many the disk took.
    expect(filesOf(disk, plan).get('model.safetensors.part')?.bytes).toEqual(bytes(30, 1));

    disk.room = 1e6;
    const again = await openShelf(disk.root, plan);
    const rest = (await again.open(WEIGHTS))!;
    expect(rest.size).toBe(30);
    rest.append(bytes(20, 2));
    rest.close();
    await again.keep(WEIGHTS);
    expect(filesOf(disk, plan).get('model.safetensors')?.bytes).toEqual(
      Uint8Array.from({ length: 50 }, (_, i) => (i < 30 ? 1 : 2)),
    );
  });

  it('leaves no beginning of a plan, and none of a manifest: the download remains unfinished', async () => {
    const disk = new FakeDisk();
    disk.whenFull = whenFull;
    const plan = planOf(WEIGHTS);
    disk.room = 60;
    await expect(openShelf(disk.root, plan)).rejects.toMatchObject({
      ...full,
      message: expect.stringContaining('plan.json'),
    });
    expect(textOf(disk, plan, PLAN)).toBe('');

    disk.room = 1e6;
    const shelf = await openShelf(disk.root, plan);
    await put(shelf, WEIGHTS, 1);
    disk.room = 60;
    await expect(shelf.finish(new Map())).rejects.toMatchObject({
      ...full,
      message: expect.stringContaining('manifest.json'),
    });
    expect(textOf(disk, plan, MANIFEST)).toBe('');
    expect(JSON.parse(textOf(disk, plan, PLAN))).toEqual(plan);

    // Resuming needs no room for the plan that is there, not even what emptying it first would free.
    disk.room = -1000;
    const again = await openShelf(disk.root, plan);
    expect(await again.open(WEIGHTS)).toBeNull();
    disk.room = 1e6;
    await again.finish(new Map());
    expect([...filesOf(disk, plan).keys()].sort()).toEqual([MANIFEST, 'model.safetensors']);
  });
});
