// Loads the built program with V8's code cache: compiling it anew takes longer than most commands.
const { readFileSync } = require('node:fs');
const { createRequire, enableCompileCache } = require('node:module');
const { basename, dirname } = require('node:path');
const vm = require('node:vm');

/** The bundle's exports, and the script they come from. The cache holds for the Node that built it. */
exports.load = function load(file) {
  const cachedData = read(`${file}.cache`);
  // The build has wrapped it as Node wraps a module: (function (exports, require, …) {…}).
  // Its name is kept in the cache and shown in traces: without the folder it was built in.
  const script = new vm.Script(readFileSync(file, 'latin1'), { filename: basename(file), cachedData });
  // Another Node than the builder's has a cache of its own, from 22.8 on.
  if (cachedData === undefined || script.cachedDataRejected) enableCompileCache?.();
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  return { script, ...module.exports };
};

function read(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
