interface Disposable {
  dispose(): void | Promise<void>;
}

/** Things made together and disposed of together, in reverse order; also when making them fails half-way. */
export class Owned {
  private readonly made: Disposable[] = [];

  add<T extends Disposable>(thing: T): T {
    this.made.push(thing);
    return thing;
  }

  /**
   * Disposes of everything at once; resolves when whatever takes time, such as an ONNX Runtime session, is gone. If one
   * fails, the others are still disposed of, and the promise rejects at the end.
   */
  async dispose(): Promise<void> {
    const things = this.made.splice(0).reverse();
    const ends = await Promise.allSettled(things.map(async (thing) => thing.dispose()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Runs `make`; if it throws, everything added so far is disposed of. */
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
