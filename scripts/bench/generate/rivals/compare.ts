/**
 * This engine, transformers.js and wllama on the same weights, each with each storage in a browser of its own: the same prompt,
 * greedy, the same number of tokens and of threads.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { build } from 'vite';
import { loadTokenizer } from '../../../../src/engine/tokenizer/tokenizer';
import { sayFailure } from '../../checkpoints/chosen';
import { type Measured, measureInBrowser } from './browser';
import { readCheckpoint } from './checkpoint';
import { writeGguf } from './gguf';
import type { GgmlType } from './gguf-blocks';
import { ONNX_GRAPH, type OnnxDtype, writeOnnxFolder } from './onnx';
import { installRivals } from './packages';
import { PROMPT } from './prompt';
import { type Served, serveFolders } from './server';
import { lineOf, middleOf } from './words';

export interface Comparing {
  /** Where packages and other formats of the checkpoints are kept. */
  readonly cache: string;
  readonly threads: number;
  readonly limit: number;
  readonly repeat: number;
  /** Of this engine. */
  readonly storages: readonly string[];
}

/** Engine and storage, as they are asked for and printed. */
interface Subject {
  readonly engine: 'this engine' | 'transformers.js' | 'wllama';
  readonly storage: string;
  readonly page: string;
  readonly files: readonly string[];
}

/** Above it a float32 ONNX file comes near protobuf's 2 GB, and is left out. */
const MAX_PARAMETERS = 300e6;
const DIST = 'scripts/bench/generate/rivals/pages/ours.html';

/** The comparison of some checkpoints; made once, since packages and pages are the same for all. */
export class Comparison {
  private constructor(
    private readonly options: Comparing,
    private readonly temporary: string,
    private readonly served: Served,
    readonly versions: Readonly<Record<string, string>>,
  ) {}

  /** @throws an error that says why the other engines are not there */
  static async start(options: Comparing): Promise<Comparison> {
    const versions = installRivals(join(options.cache, 'packages'));
    const temporary = mkdtempSync(join(tmpdir(), 'bench-generate-page-'));
    const root = resolve('.');
    const outDir = join(temporary, 'dist');
    await build({
      root,
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'warn',
      build: { outDir, emptyOutDir: true, rolldownOptions: { input: join(root, DIST) } },
    });
    mkdirSync(join(options.cache, 'onnx'), { recursive: true });
    mkdirSync(join(options.cache, 'gguf'), { recursive: true });
    const folders = {
      ours: outDir,
      pages: join(root, 'scripts/bench/generate/rivals/pages'),
      packages: join(options.cache, 'packages/node_modules'),
      models: join(options.cache, 'onnx'),
    };
    return new Comparison(options, temporary, await serveFolders(folders, options.threads > 1), versions);
  }

  end(): void {
    this.served.close();
    rmSync(this.temporary, { recursive: true, force: true });
  }

  /** Measures the checkpoint in a folder and prints a line of every engine and storage. */
  async print(folder: string): Promise<void> {
    const { limit, threads, repeat } = this.options;
    const prompt = await promptOf(folder);
    console.log(
      `  in headless Chromium, ${threads} thread(s), ${prompt.length} tokens continued greedily by ${limit}, a second text timed after its first two; ONNX: ${ONNX_GRAPH}`,
    );
    let reference: Measured | undefined;
    for (const subject of await this.subjects(folder)) {
      const name = `${subject.engine}, ${subject.storage}`;
      try {
        const measuring = { ...subject, model: basename(folder), threads, prompt, limit };
        const results: Measured[] = [];
        for (let i = 0; i < repeat; i++) results.push(await measureInBrowser(measuring));
        const measured = middleOf(results);
        reference ??= measured;
        console.log(`  ${lineOf(name, measured, reference)}`);
      } catch (error) {
        sayFailure(name, error);
      }
    }
  }

  /** What is measured; the first is what the others' tokens are held against. Files that are not there are written. */
  private async subjects(folder: string): Promise<Subject[]> {
    const { address } = this.served;
    const { cache, storages } = this.options;
    const name = basename(folder);
    const checkpoint = await readCheckpoint(folder);
    const size = checkpoint.tensors.names().reduce((n, one) => n + product(checkpoint.tensors.shape(one)), 0);
    const dtypes: OnnxDtype[] = size <= MAX_PARAMETERS ? ['fp32', 'q8', 'q4'] : ['q8', 'q4'];
    writeOnnxFolder(folder, join(cache, 'onnx', name), checkpoint, dtypes);
    const ggufs = (['f16', 'q8_0', 'q4_0'] satisfies GgmlType[]).map((type) => {
      const path = join(cache, 'gguf', `${name}.${type}.gguf`);
      writeGguf(path, checkpoint, type);
      return { type, path };
    });
    const own = readdirSync(folder).map((file) => join(folder, file));
    return [
      ...storages.map((storage) => ({
        engine: 'this engine' as const,
        storage,
        page: `${address}/ours/${DIST}`,
        files: own,
      })),
      ...dtypes.map((storage) => ({
        engine: 'transformers.js' as const,
        storage,
        page: `${address}/pages/transformers.html`,
        files: [],
      })),
      ...ggufs.map(({ type, path }) => ({
        engine: 'wllama' as const,
        storage: type,
        page: `${address}/pages/wllama.html`,
        files: [path],
      })),
    ];
  }
}

const product = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

async function promptOf(folder: string): Promise<number[]> {
  const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const tokenizer = await loadTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  return tokenizer.tokens(PROMPT).map(({ id }) => id);
}
