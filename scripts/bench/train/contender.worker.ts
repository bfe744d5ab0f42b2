/** One contender in a realm of its own: ONNX Runtime and jax-js fix their threads once per realm. */
import { CASES, type Problem, problemOf } from './cases';
import type { Ask, ContenderKind, Opened, Outputs, Reply, Task } from './protocol';

interface Step {
  run(): Promise<number>;
  outputs(): Promise<Outputs>;
}

/** Every WebAssembly memory in the realm, so that the heap can be measured whoever creates it. */
const memories: WebAssembly.Memory[] = [];
const NativeMemory = WebAssembly.Memory;
WebAssembly.Memory = class extends NativeMemory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memories.push(this);
  }
};

let step: Step | undefined;

async function problemIn(task: Task): Promise<Problem> {
  if ('fineTuning' in task) return (await import('../finetune/problem')).fineTuningProblem(task.fineTuning);
  const found = CASES.find((c) => c.name === task.caseName);
  if (!found) throw new Error(`no case "${task.caseName}"`);
  return problemOf(found);
}

async function open(contender: ContenderKind, task: Task): Promise<Opened> {
  const problem = await problemIn(task);
  const start = performance.now();
  if (contender.runs === 'ours') {
    // Imported only now: what they load must find the memory counter above.
    const { ourStep } = await import('./ours');
    const { wasmPaths } = await import('../../../src/engine/runtime/assets');
    const { openDevice } = await import('../../../src/engine/device/open-device');
    const made = await ourStep(
      problem,
      contender.provider === 'wasm'
        ? { provider: 'wasm', threads: contender.threads, wasmPaths }
        : { provider: 'webgpu', device: await openDevice(), wasmPaths },
    );
    step = made;
    await step.run();
    return { firstStep: performance.now() - start, sessions: made.sessions, nodes: made.nodes };
  }
  const { jaxStep } = await import('./jax');
  if (contender.provider === 'webgpu') {
    const { defaultDevice, init } = await import('@jax-js/jax');
    await init('webgpu');
    defaultDevice('webgpu');
  }
  step = jaxStep(problem, contender.provider === 'wasm' ? contender.mode : 'workers');
  await step.run();
  return { firstStep: performance.now() - start };
}

async function answer(ask: Ask): Promise<Reply> {
  if (ask.ask === 'open') return { opened: await open(ask.contender, ask.task) };
  if (ask.ask === 'heap')
    return { heap: memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) };
  if (!step) throw new Error('not open');
  if (ask.ask === 'outputs') return { outputs: await step.outputs() };
  const start = performance.now();
  await step.run();
  return { milliseconds: performance.now() - start };
}

self.onmessage = async ({ data }: MessageEvent<Ask>) => {
  let reply: Reply;
  try {
    reply = await answer(data);
  } catch (error) {
    reply = { error: (error as Error).stack ?? String(error) };
  }
  self.postMessage(reply);
};
