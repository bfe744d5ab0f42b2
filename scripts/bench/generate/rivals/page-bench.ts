/** What a measured page offers as `bench`. */
export interface PageBench {
  open(options: Opening): Promise<void>;
  /** Greedy text after the prompt's tokens: calls back with every token's id as it is there. */
  generate(prompt: readonly number[], limit: number, onToken: (id: number) => void): Promise<void>;
  /** Natural logarithms of the probabilities of what `generate` gave. */
  logProbabilities(prompt: readonly number[], tokens: readonly number[]): Promise<readonly number[]>;
}

export interface Opening {
  /** Name of the folder of an ONNX export. */
  readonly model: string;
  readonly storage: string;
  readonly threads: number;
}
