/** Bits per element of ONNX's element types (TensorProto.DataType), by number. */
export const ELEMENT_BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
};

const NAMES: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  16: 'bfloat16',
  21: 'uint4',
  22: 'int4',
};

export const FLOAT32 = 1;
export const INT64 = 7;
export const FLOAT16 = 10;

export const elementName = (element: number): string => NAMES[element] ?? `element type ${element}`;
