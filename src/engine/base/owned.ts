interface Disposable {
  dispose(): void;
}

/** What was made together and goes together, the last first; also when the making fails half-way. */
export class Owned {
  private readonly made: Disposable[] = [];

  add<T extends Disposable>(thing: T): T {
    this.made.push(thing);
    return thing;
  }

  dispose(): void {
    for (const thing of this.made.splice(0).reverse()) thing.dispose();
  }

  /** Runs `make`; where it throws, what was added is disposed of. */
  static async while<T>(make: (owned: Owned) => Promise<T>): Promise<T> {
    const owned = new Owned();
    try {
      return await make(owned);
    } catch (error) {
      owned.dispose();
      throw error;
    }
  }
}
