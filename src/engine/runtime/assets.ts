/**
 * Where the browser finds ONNX Runtime's WebAssembly, for `createRuntime({ wasmPaths })`. Never imported in Node.
 * Passed explicitly because the variant bundled by default hangs in a production build with more than one thread.
 */
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';

const absolute = (url: string): string => new URL(url, import.meta.url).href;

export const wasmPaths = { mjs: absolute(mjs), wasm: absolute(wasm) };
