import { isPassing, patiently, type Waiting } from './patience.ts';
import type { Cloud } from './ports.ts';

/** What stands behind a patient account, so that one is never put around another. */
const behind = new WeakMap<Cloud, Cloud>();

/**
 * The account with its throttling waited out, for every call that may be made twice. Plans, executions and deletions
 * are left to the engine, which looks up what became of a lost answer. Once a call has been waited for in vain, the
 * next ones fail at once, until one is answered. A patient account is given a new `waiting` in place of its own.
 */
export function patientCloud(given: Cloud, waiting: Waiting): Cloud {
  const cloud = behind.get(given) ?? given;
  const { stacks, code, secrets } = cloud;
  let isVain = false;
  async function waited<T>(call: () => Promise<T>): Promise<T> {
    try {
      const answer = await (isVain ? call() : patiently(waiting, call));
      isVain = false;
      return answer;
    } catch (error) {
      isVain = isPassing(error) && !waiting.signal.aborted;
      throw error;
    }
  }
  const patient: Cloud = {
    stacks: {
      ...stacks,
      describe: (name) => waited(() => stacks.describe(name)),
      list: (prefix) => waited(() => stacks.list(prefix)),
      template: (body) => waited(() => stacks.template(body)),
      resources: (stack) => waited(() => stacks.resources(stack)),
    },
    code: { put: (bucket, key, bytes) => waited(() => code.put(bucket, key, bytes)) },
    async account() {
      const caller = await waited(() => cloud.account());
      return { ...caller, concurrency: () => waited(() => caller.concurrency()) };
    },
    secrets: {
      putOnce: (name, value) => waited(() => secrets.putOnce(name, value)),
      put: (name, value) => waited(() => secrets.put(name, value)),
      exists: (name) => waited(() => secrets.exists(name)),
    },
    close: () => cloud.close(),
  };
  behind.set(patient, cloud);
  return patient;
}
