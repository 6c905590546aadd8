/**
 * A list of what some work finds while it runs, to be printed as it comes. Work that fails, fails the list; it is begun
 * when the list is first asked.
 */
export async function* arriving<T>(work: (found: (item: T) => void) => Promise<void>): AsyncGenerator<T> {
  const items: T[] = [];
  let wake = () => {};
  let done = false;
  const ended = work((item) => {
    items.push(item);
    wake();
  }).finally(() => {
    done = true;
    wake();
  });
  ended.catch(() => {});
  while (!done || items.length > 0) {
    const item = items.shift();
    if (item !== undefined) yield item;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
  await ended;
}
