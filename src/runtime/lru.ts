/** A map that forgets what was used longest ago once its entries weigh more than `max`: each 1, unless weighed. */
export interface Lru<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
}

export function createLru<V>(max: number, weigh: (value: V) => number = () => 1): Lru<V> {
  // A Map iterates in insertion order, so re-inserting on use keeps the stalest entry first.
  const entries = new Map<string, V>();
  let weight = 0;
  const put = (key: string, value: V) => {
    entries.delete(key);
    entries.set(key, value);
  };
  const forget = (key: string) => {
    const value = entries.get(key);
    if (value === undefined) return;
    weight -= weigh(value);
    entries.delete(key);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) put(key, value);
      return value;
    },
    set(key, value) {
      forget(key);
      put(key, value);
      weight += weigh(value);
      while (weight > max && entries.size > 1) forget(entries.keys().next().value as string);
    },
    delete: forget,
  };
}
