/**
 * The pickles that torch.save writes for a state dict, and no others. A pickle is a program, but nothing of
 * it is run here: of the objects that it may name, five kinds are known and become plain data; every other
 * name is refused, and so is every operation that a state dict does not need.
 */
import { FileError } from '../../base/errors';
import { quote } from '../json';

/** An entry `data/{key}` of the archive: `count` elements of one of torch's types, such as FloatStorage. */
export interface PickledStorage {
  readonly kind: 'storage';
  readonly type: string;
  readonly key: string;
  readonly count: number;
}

/** A view of a storage; offset and strides in elements. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly size: readonly number[];
  readonly stride: readonly number[];
}

export interface PickledDict {
  readonly kind: 'dict';
  readonly entries: Map<string | number, PickleValue>;
}

interface Global {
  readonly kind: 'global';
  readonly name: string;
}

export type PickleValue =
  | null
  | boolean
  | number
  | string
  | PickledDict
  | PickledStorage
  | PickledTensor
  | Global
  | { readonly kind: 'tuple'; readonly items: readonly PickleValue[] }
  | { readonly kind: 'list'; readonly items: PickleValue[] };

const DAMAGED = 'The file is damaged or incomplete: get it again and compare its SHA-256.';
const FOREIGN =
  'Only the state dict of a model is read: in Python, torch.save(model.state_dict(), "pytorch_model.bin"), or convert the file to safetensors.';

const STORAGES = /^torch\.(Float|Half|BFloat16|Double|Long|Int|Short|Char|Byte|Bool)Storage$/;
const ORDERED_DICT = 'collections.OrderedDict';
const TENSOR = 'torch._utils._rebuild_tensor_v2';
const PARAMETER = 'torch._utils._rebuild_parameter';
const isKnown = (name: string): boolean =>
  STORAGES.test(name) || [ORDERED_DICT, TENSOR, PARAMETER].includes(name);

/**
 * @param label names the file in messages
 * @throws FileError for damage, for unknown names, and for operations that a state dict does not need
 */
export const readPickle = (bytes: Uint8Array, label: string): PickleValue => new Reader(bytes, label).run();

class Reader {
  private at = 0;
  private readonly stack: PickleValue[] = [];
  /** Heights of the stack. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly label: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): PickleValue {
    for (;;) {
      const at = this.at;
      const code = this.take(1, () => this.bytes[this.at] as number);
      if (code === 0x2e) return this.pop(); // STOP
      const operation = OPERATIONS.get(code);
      if (!operation)
        throw this.foreign(
          `the operation 0x${code.toString(16).padStart(2, '0')} at byte ${at} does not belong in a state dict`,
        );
      operation(this);
    }
  }

  private take<T>(length: number, read: () => T): T {
    if (this.at + length > this.bytes.length)
      throw this.damaged(`ends at byte ${this.bytes.length}, in the middle`);
    const value = read();
    this.at += length;
    return value;
  }

  damaged(what: string): FileError {
    return new FileError(`${this.label}: the pickle ${what}`, DAMAGED);
  }

  foreign(what: string): FileError {
    return new FileError(`${this.label}: ${what}`, FOREIGN);
  }

  byte = (): number => this.take(1, () => this.view.getUint8(this.at));
  short = (): number => this.take(2, () => this.view.getUint16(this.at, true));
  int = (): number => this.take(4, () => this.view.getInt32(this.at, true));
  word = (): number => this.take(4, () => this.view.getUint32(this.at, true));
  float = (): number => this.take(8, () => this.view.getFloat64(this.at));
  skip = (length: number): void => this.take(length, () => undefined);

  text(length: number): string {
    return this.take(length, () => {
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(
          this.bytes.subarray(this.at, this.at + length),
        );
      } catch (cause) {
        throw new FileError(`${this.label}: the pickle holds a text that is not UTF-8`, DAMAGED, { cause });
      }
    });
  }

  /** Up to a newline. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.damaged('contains an unterminated name');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** Little-endian two's complement. */
  long(): number {
    const length = this.byte();
    if (length > 8) throw this.damaged(`holds an integer of ${length} bytes`);
    let value = 0n;
    for (let i = 0; i < length; i++) value |= BigInt(this.byte()) << BigInt(8 * i);
    const signed = Number(BigInt.asIntN(8 * length, value));
    if (!Number.isSafeInteger(signed)) throw this.damaged('holds an integer beyond 2^53');
    return signed;
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const floor = this.marks.at(-1) ?? 0;
    if (this.stack.length <= floor) throw this.damaged('takes a value that is not there');
    return this.stack.pop() as PickleValue;
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  /** Everything above the last mark. */
  popMark(): PickleValue[] {
    const from = this.marks.pop();
    if (from === undefined) throw this.damaged('takes values up to a mark that is not there');
    return this.stack.splice(from);
  }

  popMany(count: number): PickleValue[] {
    const items = Array.from({ length: count }, () => this.pop());
    return items.reverse();
  }

  put(key: number): void {
    const value = this.pop();
    this.push(value);
    this.memo.set(key, value);
  }

  memoize(): void {
    this.put(this.memo.size);
  }

  get(key: number): void {
    const value = this.memo.get(key);
    if (value === undefined) throw this.damaged(`refers to value ${key}, which does not exist`);
    this.push(value);
  }

  global(name: string): void {
    if (!isKnown(name))
      throw this.foreign(
        `it names ${quote(name)}, which could run code; known: torch’s storages and tensors, OrderedDict`,
      );
    this.push({ kind: 'global', name });
  }

  /** Entries of the dictionary below the items, key after value. */
  setItems(items: readonly PickleValue[]): void {
    const dict = this.pop();
    if (!isKind(dict, 'dict') || items.length % 2 !== 0)
      throw this.damaged('adds entries to something other than a dictionary');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i] as PickleValue;
      if (typeof key !== 'string' && typeof key !== 'number')
        throw this.foreign('a dictionary has a key that is neither a text nor a number');
      if (dict.entries.has(key)) throw this.damaged(`has the key ${quote(key)} twice`);
      dict.entries.set(key, items[i + 1] as PickleValue);
    }
    this.push(dict);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.pop();
    if (!isKind(list, 'list')) throw this.damaged('appends to something other than a list');
    for (const item of items) list.items.push(item);
    this.push(list);
  }

  /** A call, which is not executed: what it would return is known. */
  reduce(): void {
    const [args, callee] = [this.pop(), this.pop()];
    if (!isKind(callee, 'global') || !isKind(args, 'tuple'))
      throw this.damaged('calls something other than a function');
    this.push(this.result(callee.name, args.items));
  }

  private result(name: string, args: readonly PickleValue[]): PickleValue {
    if (name === ORDERED_DICT && args.length === 0) return { kind: 'dict', entries: new Map() };
    if (name === PARAMETER && args.length >= 1 && isKind(args[0], 'tensor')) return args[0];
    if (name === TENSOR && args.length >= 4) {
      const [storage, offset, size, stride] = args;
      const [sizes, strides] = [counts(size), counts(stride)];
      if (
        isKind(storage, 'storage') &&
        isCount(offset) &&
        sizes &&
        strides &&
        sizes.length === strides.length
      )
        return { kind: 'tensor', storage, offset, size: sizes, stride: strides };
    }
    throw this.foreign(`it calls ${quote(name)} with other arguments than a state dict does`);
  }

  /** ('storage', type, key, device, count): the device it was on does not matter. */
  persistent(): void {
    const id = this.pop();
    if (isKind(id, 'tuple') && id.items.length === 5) {
      const [kind, type, key, device, count] = id.items;
      if (
        kind === 'storage' &&
        isKind(type, 'global') &&
        STORAGES.test(type.name) &&
        typeof key === 'string' &&
        typeof device === 'string' &&
        isCount(count)
      ) {
        this.push({ kind: 'storage', type: type.name.slice('torch.'.length), key, count });
        return;
      }
    }
    throw this.foreign('it refers to external data other than a tensor’s storage');
  }

  /** The state of an OrderedDict: its `_metadata`, versions of modules, is all that torch adds. */
  build(): void {
    const [state, object] = [this.pop(), this.pop()];
    const isMetadata = isKind(state, 'dict') && [...state.entries.keys()].every((key) => key === '_metadata');
    if (!isKind(object, 'dict') || !isMetadata) throw this.foreign('it sets the state of an object');
    this.push(object);
  }
}

type Kinds = Exclude<PickleValue, null | boolean | number | string>;

function isKind<K extends Kinds['kind']>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<Kinds, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}

const isCount = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function counts(value: PickleValue | undefined): number[] | undefined {
  if (!isKind(value, 'tuple') || value.items.length > 8 || !value.items.every(isCount)) return undefined;
  return value.items as number[];
}

const tuple = (items: readonly PickleValue[]): PickleValue => ({ kind: 'tuple', items });

/** The operations of protocols 2 to 4 that state dicts are written with. */
const OPERATIONS: ReadonlyMap<number, (r: Reader) => void> = new Map<number, (r: Reader) => void>([
  [0x80, (r) => r.skip(1)], // PROTO
  [0x95, (r) => r.skip(8)], // FRAME
  [0x28, (r) => r.mark()], // MARK
  [0x7d, (r) => r.push({ kind: 'dict', entries: new Map() })], // EMPTY_DICT
  [0x5d, (r) => r.push({ kind: 'list', items: [] })], // EMPTY_LIST
  [0x29, (r) => r.push(tuple([]))], // EMPTY_TUPLE
  [0x74, (r) => r.push(tuple(r.popMark()))], // TUPLE
  [0x85, (r) => r.push(tuple(r.popMany(1)))], // TUPLE1
  [0x86, (r) => r.push(tuple(r.popMany(2)))], // TUPLE2
  [0x87, (r) => r.push(tuple(r.popMany(3)))], // TUPLE3
  [0x4e, (r) => r.push(null)], // NONE
  [0x88, (r) => r.push(true)], // NEWTRUE
  [0x89, (r) => r.push(false)], // NEWFALSE
  [0x4a, (r) => r.push(r.int())], // BININT
  [0x4b, (r) => r.push(r.byte())], // BININT1
  [0x4d, (r) => r.push(r.short())], // BININT2
  [0x8a, (r) => r.push(r.long())], // LONG1
  [0x47, (r) => r.push(r.float())], // BINFLOAT
  [0x58, (r) => r.push(r.text(r.word()))], // BINUNICODE
  [0x8c, (r) => r.push(r.text(r.byte()))], // SHORT_BINUNICODE
  [0x71, (r) => r.put(r.byte())], // BINPUT
  [0x72, (r) => r.put(r.word())], // LONG_BINPUT
  [0x94, (r) => r.memoize()], // MEMOIZE
  [0x68, (r) => r.get(r.byte())], // BINGET
  [0x6a, (r) => r.get(r.word())], // LONG_BINGET
  [0x63, (r) => r.global(`${r.line()}.${r.line()}`)], // GLOBAL
  [
    0x93, // STACK_GLOBAL
    (r) => {
      const [name, module] = [r.pop(), r.pop()];
      r.global(`${String(module)}.${String(name)}`);
    },
  ],
  [0x73, (r) => r.setItems(r.popMany(2))], // SETITEM
  [0x75, (r) => r.setItems(r.popMark())], // SETITEMS
  [0x61, (r) => r.append(r.popMany(1))], // APPEND
  [0x65, (r) => r.append(r.popMark())], // APPENDS
  [0x52, (r) => r.reduce()], // REDUCE
  [0x51, (r) => r.persistent()], // BINPERSID
  [0x62, (r) => r.build()], // BUILD
]);
