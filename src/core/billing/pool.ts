/** Side by side, a few at a time. */
export async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** Runs so much work at a time. */
export function createPool(size: number) {
  const running = new Set<Promise<void>>();
  return {
    /** Resolves when the work has begun. Work that fails ends the run. */
    async start(work: () => Promise<void>): Promise<void> {
      while (running.size >= size) await Promise.race(running);
      const mine: Promise<void> = work().finally(() => running.delete(mine));
      running.add(mine);
      mine.catch(() => {});
    },
    async idle(): Promise<void> {
      await Promise.all(running);
    },
  };
}
