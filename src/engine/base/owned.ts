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

  /**
   * Disposes of all at once; resolves when what takes time to go, such as a session of ONNX Runtime, is gone. What
   * fails to go keeps nothing else, and rejects in the end.
   */
  async dispose(): Promise<void> {
    const things = this.made.splice(0).reverse();
    const ends = await Promise.allSettled(things.map(async (thing) => thing.dispose()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
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
