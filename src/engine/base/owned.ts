interface Disposable {
  dispose(): void | Promise<void>;
}

/** What was made together and goes together, the last first; also when the making fails half-way. */
export class Owned {
  private readonly made: Disposable[] = [];

  add<T extends Disposable>(thing: T): T {
    this.made.push(thing);
    return thing;
  }

  /** Disposes of all at once; resolves when what takes time to go, such as a session of ONNX Runtime, is gone. */
  async dispose(): Promise<void> {
    await Promise.all(
      this.made
        .splice(0)
        .reverse()
        .map((thing) => thing.dispose()),
    );
  }

  /** Runs `make`; where it throws, what was added is disposed of. */
  static async while<T>(make: (owned: Owned) => Promise<T>): Promise<T> {
    const owned = new Owned();
    try {
      return await make(owned);
    } catch (error) {
      await owned.dispose();
      throw error;
    }
  }
}
