import type { LatentSession } from '../../../contract/events';
import { sha256Hex } from '../../base/sha256';
import type { LoadedModel } from '../models/pair';
import type { Student } from '../runs/student';

const known = new WeakMap<object, Promise<string>>();

/** Hashes that say whose thoughts these are, in any session. */
export async function identityOf(
  base: LoadedModel,
  student: Pick<Student, 'packs' | 'parameters' | 'reasoning'> | undefined,
): Promise<LatentSession['identity']> {
  if (!student) return { base: base.report.sha256, student: null };
  const { packs, parameters, reasoning } = student;
  const hash = known.get(packs) ?? hashOf(JSON.stringify([parameters, reasoning]), packs);
  known.set(packs, hash);
  return { base: base.report.sha256, student: await hash };
}

/** sha256 of a description and the values it describes. */
async function hashOf(text: string, packs: readonly Float32Array<ArrayBuffer>[]): Promise<string> {
  const head = new TextEncoder().encode(text);
  const bytes = new Uint8Array(head.length + packs.reduce((sum, pack) => sum + pack.byteLength, 0));
  bytes.set(head);
  let at = head.length;
  for (const pack of packs) {
    bytes.set(new Uint8Array(pack.buffer, pack.byteOffset, pack.byteLength), at);
    at += pack.byteLength;
  }
  return sha256Hex(bytes);
}
