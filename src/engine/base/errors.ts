import { MAX_MESSAGE, shorten } from '../../text/quote';

/**
 * Every error a person may see. `code` is what the page and the tests switch on; the message names the bad value and
 * what was expected; `hint` says what to do about it.
 */
export type ErrorCode =
  | 'shape' // a tensor operation was given shapes it cannot take
  | 'gradient' // no gradient rule, or one asked for where there is none
  | 'config' // a model's or a run's configuration cannot be used
  | 'file' // a checkpoint, tokenizer or data set file is damaged or hostile
  | 'input' // something the person typed or picked
  | 'lost' // the GPU is gone, and everything on it
  | 'device' // the GPU is missing, or refused a command that is not valid
  | 'too-large' // one buffer or program is larger than the device allows, however much memory is free
  | 'runtime' // the inference runtime refused a program or a tensor
  | 'numeric' // NaN or Inf where a number is needed
  | 'load' // a file of the page itself could not be loaded; the engine must be restarted
  | 'memory' // there is not enough memory, on the GPU or in WASM, or the request is known not to fit
  | 'cancelled'; // stopped on request

/** What to do about an error that only a mistake of ours can cause. */
export const BUG =
  'This is a bug in the program, not in what you entered: please report it with the details below.';

/** What to do where the code that throws knows nothing better. */
const HINTS: Readonly<Record<ErrorCode, string>> = {
  shape: BUG,
  gradient: BUG,
  config: 'Correct the value named above, or choose another checkpoint or preset.',
  file: 'The file is damaged, or is not the one expected: get it from its source again.',
  input: 'Correct the value named above and try again.',
  lost: 'Saved work is safe: open the device again, or choose WASM in the Model panel.',
  device: 'Try again, or choose WASM in the Model panel.',
  'too-large': 'Lower the batch size or the ranks, or choose a smaller checkpoint.',
  runtime: 'Restart the engine. If it happens again, choose the other provider in the Model panel.',
  numeric: 'Lower the learning rate or the loss weights, or use another checkpoint.',
  load: 'Check the connection, then restart the engine or reload the page.',
  memory: 'Ask for less at a time (fewer samples, a smaller batch), or choose a smaller checkpoint.',
  cancelled: 'Start it again when you are ready.',
};

/** Message and hint are cut to `MAX_MESSAGE` characters, whatever was put into them. */
export class LoriError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(shorten(message, MAX_MESSAGE), options);
    this.name = 'LoriError';
    this.code = code;
    this.hint = shorten(hint || HINTS[code], MAX_MESSAGE);
  }
}

const named = (code: ErrorCode, name: string) =>
  class extends LoriError {
    constructor(message: string, hint?: string, options?: ErrorOptions) {
      super(code, message, hint, options);
      this.name = name;
    }
  };

export class ShapeError extends named('shape', 'ShapeError') {}
export class GradientError extends named('gradient', 'GradientError') {}
export class ConfigError extends named('config', 'ConfigError') {}
export class FileError extends named('file', 'FileError') {}
export class InputError extends named('input', 'InputError') {}
export class LostDeviceError extends named('lost', 'LostDeviceError') {}
export class DeviceError extends named('device', 'DeviceError') {}
export class TooLargeError extends named('too-large', 'TooLargeError') {}
export class RuntimeError extends named('runtime', 'RuntimeError') {}
export class NumericError extends named('numeric', 'NumericError') {}
export class LoadError extends named('load', 'LoadError') {}
export class MemoryError extends named('memory', 'MemoryError') {}
/** WASM's heap is full, and stays so until the engine is restarted: the page offers that for this name. */
export class HeapError extends MemoryError {
  override readonly name = 'HeapError';
}
/** What is to go on was begun with something else: whoever asked may begin anew, and knows it by this name. */
export class BegunOtherwiseError extends InputError {
  override readonly name = 'BegunOtherwiseError';
}
export class CancelledError extends named('cancelled', 'CancelledError') {}

/** Throws `CancelledError` once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new CancelledError(`${what} was cancelled`);
}
