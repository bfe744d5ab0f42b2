/** Packs a uniform struct of 4-byte members: `u` for u32, `f` for f32, in the order of the WGSL struct. */
export function packUniforms(...members: readonly (readonly ['u' | 'f', number])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((members.length * 4) / 16) * 16);
  const view = new DataView(bytes.buffer);
  members.forEach(([kind, value], i) => {
    if (kind === 'u') view.setUint32(i * 4, value, true);
    else view.setFloat32(i * 4, value, true);
  });
  return bytes;
}
